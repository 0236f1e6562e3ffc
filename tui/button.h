/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * button.h - the power button of vmctl's VMs.
 */
#ifndef TUI_BUTTON_H
#define TUI_BUTTON_H

#include <stddef.h>

#include "telemetry/sample.h"

int button_press(const struct tel_vm *vm, char *error, size_t room);

#endif /* TUI_BUTTON_H */
