/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#define _GNU_SOURCE /* memfd_create(), pipe2(), execvpe() */
#include "common/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROTOCOL = 1, MOST_WORDS = 64 };

/* Seconds for a program to end by itself. */
static const double grace = 2;

/* A program kept for the next instance; pid 0: none. No lock: only create() and destroy() use it, and these never run
 * concurrently. */
static struct process idle;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- standard error of the program is logged line by line */

static void pass_on(struct process *p)
{
	p->line[p->line_used] = '\0';
	p->line_used = 0;
	for (char *c = p->line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (!p->line[strspn(p->line, " ")])
		return;
	snprintf(p->last, sizeof p->last, "%.250s", p->line);
	p->host->log(p->host, LACUNA_LOG_INFO, "process: %s", p->line);
}

static void read_errors(struct process *p)
{
	char text[4096];
	ssize_t n;

	while ((n = read(p->errors, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] == '\n' || p->line_used == sizeof p->line - 1)
				pass_on(p);
			if (text[i] != '\n')
				p->line[p->line_used++] = text[i];
		}
}

/* ---- the end */

static void forget(struct process *p)
{
	if (p->socket > 0)
		close(p->socket);
	if (p->errors > 0)
		close(p->errors);
	if (p->shared > 0)
		close(p->shared);
	if (p->memory)
		munmap(p->memory, p->bytes);
	p->socket = p->errors = p->shared = 0;
	p->memory = NULL;
	p->bytes = 0;
}

/* Waits `patience' seconds for the program to end, then kills its process group. Returns the status of waitpid(), or -1. */
static int bury(struct process *p, double patience)
{
	const struct timespec nap = { 0, 2000000 };
	const double start = now();
	int status = -1;
	pid_t got;

	while (!(got = waitpid(p->pid, &status, WNOHANG)) && now() - start < patience)
		nanosleep(&nap, NULL);
	kill(-p->pid, SIGKILL);
	if (!got)
		got = waitpid(p->pid, &status, 0);
	p->ended = 1;
	return got == p->pid ? status : -1;
}

static void end(struct process *p)
{
	if (p->pid && p->owner == getpid()) {
		shutdown(p->socket, SHUT_RDWR);
		if (!p->ended)
			bury(p, grace);
	}
	forget(p);
	p->pid = 0;
}

__attribute__((destructor)) static void end_idle(void)
{
	end(&idle);
}

/* ---- failures, in one line each */

static int fail_ended(struct process *p, const char *call)
{
	const int status = bury(p, grace);
	const char *colon;
	char how[96];

	read_errors(p);
	if (p->line_used)
		pass_on(p);
	colon = *p->last ? ": " : "";
	if (status >= 0 && WIFSIGNALED(status))
		snprintf(how, sizeof how, "was killed by a signal (%s)",
			 strsignal(WTERMSIG(status)));
	else if (status >= 0)
		snprintf(how, sizeof how, "exited with status %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof how, "exited");
	return p->host->fail(p->host, LACUNA_EIO, "\"%s\" %s during call \"%s\"%s%s", p->command,
			     how, call, colon, p->last);
}

static int fail_hung(struct process *p, const char *call)
{
	bury(p, 0);
	return p->host->fail(
		p->host, LACUNA_EIO,
		"\"%s\" did not answer call \"%s\" within %g s; raise timeout= if it needs longer",
		p->command, call, p->timeout);
}

static int fail_reply(struct process *p, const char *call, const char *what)
{
	char begin[64];

	snprintf(begin, sizeof begin, "%.60s", p->reply);
	for (char *c = begin; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	bury(p, 0);
	return p->host->fail(p->host, LACUNA_EIO,
			     "\"%s\" gave a wrong answer to call \"%s\", \"%s\": %s", p->command,
			     call, begin, what);
}

/* ---- one call */

static int send_line(struct process *p, const char *text, const char *call)
{
	size_t left = strlen(text);

	while (left) {
		const ssize_t n = send(p->socket, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_ended(p, call);
		text += n;
		left -= (size_t)n;
	}
	return LACUNA_OK;
}

/* Receives one line into p->reply. */
static int receive_line(struct process *p, const char *call)
{
	const double start = now();
	enum { SLICE = 100 }; /* ms between checks for cancellation */

	p->reply_used = 0;
	for (;;) {
		struct pollfd ready[2] = { { p->socket, POLLIN, 0 }, { p->errors, POLLIN, 0 } };
		const char *line;
		ssize_t n;

		poll(ready, p->errors > 0 ? 2 : 1, SLICE);
		if (ready[1].revents)
			read_errors(p);
		if (ready[0].revents) {
			n = recv(p->socket, p->reply + p->reply_used,
				 sizeof p->reply - 1 - p->reply_used, MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
				return fail_ended(p, call);
			p->reply_used += n > 0 ? (size_t)n : 0;
			p->reply[p->reply_used] = '\0';
			line = memchr(p->reply, '\n', p->reply_used);
			if (line && line + 1 < p->reply + p->reply_used)
				return fail_reply(p, call, "it has more than one line");
			if (line)
				return LACUNA_OK;
			if (p->reply_used == sizeof p->reply - 1)
				return fail_reply(p, call, "its line is too long");
		}
		if (p->host->cancelled(p->host)) {
			bury(p, 0);
			return LACUNA_ECANCELLED;
		}
		if (now() - start > p->timeout)
			return fail_hung(p, call);
		if (ready[1].revents & POLLHUP && !ready[0].revents) {
			/* The program has closed its standard error: stop polling it. */
			close(p->errors);
			p->errors = 0;
		}
	}
}

int process_ask(struct process *p, const char *name, const char *request, json_t **reply)
{
	json_error_t error;
	json_t *answer;
	const char *text;
	int status;

	if (p->ended)
		return p->host->fail(p->host, LACUNA_EIO, "\"%s\" exited during an earlier call",
				     p->command);
	status = send_line(p, request, name);
	if (!status)
		status = receive_line(p, name);
	if (status)
		return status;
	answer = json_loads(p->reply, 0, &error);
	if (!json_is_object(answer)) {
		json_decref(answer);
		return fail_reply(p, name, "it is not a JSON object");
	}
	text = json_string_value(json_object_get(answer, "error"));
	if (text) {
		char plain[512];

		snprintf(plain, sizeof plain, "%.500s", text);
		for (char *c = plain; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = ' ';
		status = p->host->fail(p->host, LACUNA_EINVAL, "\"%s\" failed in call \"%s\": %s",
				       p->command, name, plain);
	}
	if (!status && reply)
		*reply = answer;
	else
		json_decref(answer);
	return status;
}

/* ---- the beginning */

/* Splits a command at blanks. Quotes and backslashes work as in a shell; there is no other shell syntax. buffer is as
 * large as the command. False on failure. */
static int split(const char *command, char *buffer, const char **words)
{
	int count = 0;
	char quote = 0;

	for (const char *c = command; *c;) {
		while (*c == ' ' || *c == '\t')
			c++;
		if (!*c)
			break;
		if (count == MOST_WORDS - 1)
			return 0;
		words[count++] = buffer;
		for (; *c && (quote || (*c != ' ' && *c != '\t')); c++) {
			if (quote ? *c == quote : *c == '"' || *c == '\'')
				quote = quote ? 0 : *c;
			else if (*c == '\\' && c[1] && quote != '\'')
				*buffer++ = *++c;
			else
				*buffer++ = *c;
		}
		*buffer++ = '\0';
	}
	words[count] = NULL;
	return count > 0 && !quote;
}

extern char **environ;

/* The environment with lacuna's modules added to PYTHONPATH. The caller frees it with host->release(). NULL: out of
 * memory. */
static char **make_environment(const struct lacuna_host *host)
{
	static const char name[] = "PYTHONPATH=";
	const char *before = getenv("PYTHONPATH");
	char path[4096], **list, *entry, *slash;
	size_t count = 0, n = 0;

	if (host->data_path(host, "python/lacuna_process.py", path, sizeof path))
		*path = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	while (environ[count])
		count++;
	list = host->alloc(host, (count + 2) * sizeof *list + sizeof name + sizeof path +
					 (before ? strlen(before) : 0) + 2);
	if (!list)
		return NULL;
	entry = (char *)(list + count + 2);
	if (*path)
		list[n++] = entry;
	sprintf(entry, "%s%s%s%s", name, path, before ? ":" : "", before ? before : "");
	for (size_t i = 0; i < count; i++)
		if (!*path || strncmp(environ[i], name, sizeof name - 1) != 0)
			list[n++] = environ[i];
	return list;
}

/* In the child: executes the program. Between fork() and exec only async-signal-safe functions may be called. */
static _Noreturn void become(const char *const *words, char *const *environment, int socket,
			     int errors, int shared, pid_t parent)
{
	static const int to_default[] = { SIGPIPE, SIGXFSZ, SIGINT, SIGTERM,
					  SIGHUP,  SIGQUIT, SIGCHLD };
	const char *complaint = "cannot run it: ";
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (size_t i = 0; i < sizeof to_default / sizeof *to_default; i++)
		signal(to_default[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* First move them away from descriptors 0 to 3. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, 10);
	errors = fcntl(errors, F_DUPFD_CLOEXEC, 10);
	shared = fcntl(shared, F_DUPFD_CLOEXEC, 10);
	dup2(socket, 0);
	dup2(socket, 1);
	dup2(errors, 2);
	dup2(shared, 3);
	execvpe(words[0], (char *const *)(uintptr_t)words, environment);
	if (write(2, complaint, strlen(complaint)) > 0) {
		const char *reason = strerror(errno);

		(void)!write(2, reason, strlen(reason));
	}
	_exit(127);
}

static int start(struct process *p)
{
	const struct lacuna_host *host = p->host;
	const pid_t parent = getpid();
	const char *words[MOST_WORDS];
	char buffer[sizeof p->command];
	int sockets[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = LACUNA_OK;
	char **environment;

	if (!split(p->command, buffer, words))
		return host->fail(host, LACUNA_EINVAL,
				  "command=\"%s\" is not a valid command; give a program and its "
				  "arguments, and close every quote",
				  p->command);
	environment = make_environment(host);
	if (!environment)
		return LACUNA_ENOMEM;
	p->shared = memfd_create("lacuna-process", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* If the program could shrink the memory, the host would get SIGBUS. */
	if (p->shared < 0 || fcntl(p->shared, F_ADD_SEALS, F_SEAL_SHRINK) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) ||
	    pipe2(errors, O_CLOEXEC | O_NONBLOCK) || (p->pid = fork()) < 0)
		status = host->fail(host, LACUNA_EIO, "\"%s\" cannot be started: %s", p->command,
				    strerror(errno));
	if (!status && p->pid == 0)
		become(words, environment, sockets[1], errors[1], p->shared, parent);
	host->release(host, environment);
	if (sockets[1] >= 0)
		close(sockets[1]);
	if (errors[1] >= 0)
		close(errors[1]);
	p->socket = sockets[0];
	p->errors = errors[0];
	p->owner = parent;
	if (status) {
		p->pid = 0;
		forget(p);
		return status;
	}
	setpgid(p->pid, p->pid); /* in parent and child, since either may run first */
	return LACUNA_OK;
}

/* Takes the idle program if it has this command and family and still runs. Otherwise ends it and returns 0. */
static int take_idle(struct process *p)
{
	const struct lacuna_host *host = p->host;
	const double timeout = p->timeout;
	const int fits = idle.pid && idle.owner == getpid() && !strcmp(idle.command, p->command) &&
			 !strcmp(idle.family, p->family);

	if (!fits || waitpid(idle.pid, NULL, WNOHANG)) {
		if (fits)
			idle.ended = 1;
		end(&idle);
		return 0;
	}
	*p = idle;
	idle = (struct process){ 0 };
	p->host = host;
	p->timeout = timeout;
	return 1;
}

static int greet(struct process *p)
{
	char request[128];
	json_t *reply;
	int status;

	snprintf(request, sizeof request,
		 "{\"call\": \"hello\", \"protocol\": %d, \"family\": \"%s\"}\n", PROTOCOL,
		 p->family);
	status = process_ask(p, "hello", request, &reply);
	if (status)
		return status;
	if (json_integer_value(json_object_get(reply, "protocol")) != PROTOCOL)
		status = fail_reply(p, "hello", "\"protocol\" must be 1");
	json_decref(reply);
	return status;
}

int process_open(const struct lacuna_host *host, const struct process_config *c, const char *family,
		 struct process *p)
{
	int status;

	memset(p, 0, sizeof *p);
	p->host = host;
	p->timeout = c->timeout;
	if ((size_t)snprintf(p->command, sizeof p->command, "%s", c->command) >= sizeof p->command)
		return host->fail(host, LACUNA_EINVAL,
				  "command= is too long; put the arguments into a script");
	snprintf(p->family, sizeof p->family, "%s", family);
	if (take_idle(p))
		return LACUNA_OK;
	status = start(p);
	if (!status && (status = greet(p)))
		end(p);
	return status;
}

int process_renew(struct process *p)
{
	int status;

	if (p->owner == getpid())
		return 0;
	forget(p);
	p->ended = 0;
	status = start(p);
	if (!status && (status = greet(p)))
		p->ended = 1;
	return status ? status : 1;
}

int process_share(struct process *p, size_t bytes)
{
	void *memory;

	if (bytes <= p->bytes)
		return LACUNA_OK;
	if (p->memory)
		munmap(p->memory, p->bytes);
	p->memory = NULL;
	p->bytes = 0;
	if (ftruncate(p->shared, (off_t)bytes))
		return p->host->fail(p->host, LACUNA_ENOMEM, "cannot share %zu bytes of memory: %s",
				     bytes, strerror(errno));
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->shared, 0);
	if (memory == MAP_FAILED)
		return p->host->fail(p->host, LACUNA_ENOMEM, "cannot share %zu bytes of memory: %s",
				     bytes, strerror(errno));
	p->memory = memory;
	p->bytes = bytes;
	return LACUNA_OK;
}

void process_close(struct process *p)
{
	if (!p->pid)
		return;
	if (p->ended || p->owner != getpid()) {
		end(p);
		return;
	}
	end(&idle);
	idle = *p;
	p->pid = 0;
}

/* ---- shapes and places */

void process_write_shape(const struct lacuna_shape *s, char *text, size_t size)
{
	snprintf(text, size, "[%lld, %lld, %lld, %lld]", (long long)s->extent[0],
		 (long long)s->extent[1], (long long)s->extent[2], (long long)s->extent[3]);
}

int process_read_shape(struct process *p, const json_t *reply, struct lacuna_shape *s)
{
	const json_t *list = json_object_get(reply, "shape");

	for (size_t i = 0; i < 4; i++) {
		s->extent[i] = json_integer_value(json_array_get(list, i));
		if (s->extent[i] < 1)
			return fail_reply(p, "shape",
					  "\"shape\" must be four whole numbers from 1");
	}
	return LACUNA_OK;
}

size_t process_align(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}
