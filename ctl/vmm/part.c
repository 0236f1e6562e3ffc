// SPDX-License-Identifier: GPL-2.0-only
/*
 * part.c - the list of a machine's parts, in the order of their creation.
 */
#include "part.h"
#include "vmm.h"

/**
 * vmm_part_add() - the machine has this part; before the CPUs start
 * @m: the machine
 * @p: the part; stays where it is as long as the machine
 */
void vmm_part_add(struct vmm *m, struct vmm_part *p)
{
	struct vmm_part **end = &m->parts;

	while (*end)
		end = &(*end)->next;
	p->next = NULL;
	*end = p;
}

/**
 * vmm_parts_quiesce() - let every part come to rest; main thread
 * @m: the machine, paused
 */
void vmm_parts_quiesce(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->quiesce)
			p->quiesce(p->opaque);
}

/**
 * vmm_parts_resume() - let every part go on; main thread
 * @m: the machine, still paused
 */
void vmm_parts_resume(struct vmm *m)
{
	struct vmm_part *p;

	for (p = m->parts; p; p = p->next)
		if (p->resume)
			p->resume(p->opaque);
}
