/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * button.h - the buttons of vmctl's VMs.
 */
#ifndef TUI_BUTTON_H
#define TUI_BUTTON_H

#include <stddef.h>

#include "telemetry/sample.h"

/* Requests of ctl/vmm/control.c. */
#define BUTTON_POWER	"power-button"
#define BUTTON_RESUME	"resume"

int button_press(const struct tel_vm *vm, const char *request, char *error, size_t room);

#endif /* TUI_BUTTON_H */
