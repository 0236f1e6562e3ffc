/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bad_option.h - what was wrong with a command line that argp stopped at in silence (ARGP_NO_ERRS).
 */
#ifndef CTL_BAD_OPTION_H
#define CTL_BAD_OPTION_H

#include <argp.h>

const char *bad_option_word(int argc, char **argv, int next);
const char *bad_option_what(const struct argp_option *options, const char *word);

#endif
