/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share about the life of domains. */
#ifndef XEN_DOMAIN_INTERNAL_H
#define XEN_DOMAIN_INTERNAL_H
#include "domain/domain.h"

/* A zeroed struct domain with its id and generation set, refs 0, found by nobody yet. */
struct domain *domain_struct_alloc(domid_t id);
void domain_struct_free(struct domain *d);
/* Make sure that the id is free and the table has room for it. */
int domain_id_reserve(domid_t id);
/* From here on look-ups find it; it has one reference. */
void domain_list_insert(struct domain *d);
void domain_list_remove(struct domain *d);

/* Fields that every domain has, special ones too. */
void domain_init_common(struct domain *d);
/* Undo vcpu_create() for all vCPUs. The domain's last reference is gone, or it never ran. */
void vcpus_destroy(struct domain *d);
/* The tasklet that frees a domain whose last reference went. */
void domain_free(void *domain);
/* The tasklet that shuts a crashed domain down. */
void domain_crash_shutdown(void *domain);

#endif
