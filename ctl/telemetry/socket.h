/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * socket.h - requests to VM processes, of vmctl and vmtop alike.
 */
#ifndef TELEMETRY_SOCKET_H
#define TELEMETRY_SOCKET_H

#include <jansson.h>

#define SOCKET_FDS	200	/* descriptors that a request can carry */

int socket_connect(const char *path, int timeout_s);
json_t *socket_ask(int fd, json_t *request, const int *fds, unsigned int nfds);
json_t *socket_query(int fd, json_t *request);

#endif /* TELEMETRY_SOCKET_H */
