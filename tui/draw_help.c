// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw_help.c - what the keys do.
 */
#include "ui.h"

/**
 * draw_help() - the keys
 * @ui: the screen
 * @top: first line
 * @lines: how many there are
 */
void draw_help(struct ui *ui, int top, int lines)
{
	static const char *const keys[][2] = {
		{ "Up Down PgUp PgDn", "choose a VM or vCPU, scroll" },
		{ "Left Right", "see the columns that < and > stand for" },
		{ "Enter  Esc", "into a VM, its vCPU's exits; back" },
		{ "x", "exits of the VM" },
		{ "e", "events below, or not" },
		{ "F3 /  n", "search by name; the next one" },
		{ "F4 \\", "show only VMs with these words in name, owner or state" },
		{ "F5 t", "tree of forks" },
		{ "F6 > <", "sort by another column" },
		{ "P M T N I", "sort by CPU, memory, age, name; the other way round" },
		{ "Z Space", "freeze the screen, go on" },
		{ "F7 F8", "pause the VM's CPUs, let them go on" },
		{ "F9 k", "stop the VM" },
		{ "F1 h ?", "this text" },
		{ "F10 q", "quit" },
		{ "", "" },
		{ "CPU%", "of one host CPU: guest's code, and the host's work for it" },
		{ "MEM RES SHR", "the guest's memory; of it in the host's; of that shared" },
		{ "P99", "99 of 100 exits took no longer, to the next power of two" },
	};
	int i, n = ARRAY_SIZE(keys);

	(void)ui;
	for (i = 0; i < n && i < lines; i++) {
		screen_put(top + i, 1, 18, ROLE_KEY, "%s", keys[i][0]);
		screen_put(top + i, 20, 0, ROLE_TEXT, "%s", keys[i][1]);
	}
}
