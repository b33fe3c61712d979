/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection as a sequence of bytes in both directions. Whoever moves bytes of clients, engines
 * and origins does it through this table of functions and never calls recv(2), send(2) or
 * shutdown(2) itself, so that a stream need not be a bare socket. Waiting stays with libevent, on
 * `fd`. */
#pragma once

#include "proxy/io/io_buffer.h"

struct stream;

/* How one kind of stream does it. None of them waits, and none raises SIGPIPE. */
struct stream_kind {
    /* > 0 bytes, 0 = the end of what the peer sends, -1 with errno (EAGAIN: nothing there). */
    ssize_t (*read)(struct stream *stream, char *bytes, size_t len);
    /* The same, and the bytes stay to be read again. */
    ssize_t (*peek)(struct stream *stream, char *bytes, size_t len);
    /* > 0 bytes taken, -1 with errno (EAGAIN: full). With `more` something follows at once. */
    ssize_t (*write)(struct stream *stream, const char *bytes, size_t len, bool more);
    /* Nothing more will be written; the peer reads an end. */
    void (*end)(struct stream *stream);
    bool can_splice; /* what goes over `fd` is the payload itself */
};

struct stream {
    const struct stream_kind *kind;
    int fd; /* owned; -1 = closed */
};

/* A socket, non-blocking, as it is. */
extern const struct stream_kind stream_plain;

static inline struct stream stream_of_socket(int fd)
{
    return (struct stream){&stream_plain, fd};
}

/* A stream that is none. */
#define STREAM_NONE ((struct stream){&stream_plain, -1})

static inline bool stream_is_open(const struct stream *stream)
{
    return stream->fd >= 0;
}

/* Gives the stream away; what is left here is closed. */
static inline struct stream steal_stream(struct stream *stream)
{
    struct stream stolen = *stream;
    *stream = STREAM_NONE;
    return stolen;
}

static inline ssize_t stream_read(struct stream *stream, char *bytes, size_t len)
{
    return stream->kind->read(stream, bytes, len);
}

static inline ssize_t stream_write(struct stream *stream, const char *bytes, size_t len)
{
    return stream->kind->write(stream, bytes, len, false);
}

static inline void stream_end(struct stream *stream)
{
    stream->kind->end(stream);
}

/* Reads at most `limit` bytes into the free room. > 0 bytes read, 0 end of stream, -1 with errno
 * (EAGAIN: nothing there; ENOBUFS: buffer full). The limit also says how large a block an empty
 * buffer takes: IO_READ_HEAD or IO_READ_BULK. */
ssize_t stream_fill(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer,
                    size_t limit);

/* The same for a head, which has to be in one piece: a full block is exchanged for a larger one, up
 * to IO_BUFFER_MAX. Who reads heads has a limit for them. */
ssize_t stream_fill_head(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer);

/* Writes as much as the stream takes. True when all is gone or the stream is full (look at
 * io_buffer_len()), false on an error. With `more` something else is written right behind it: TCP
 * may wait for that instead of sending a packet of its own. */
MUST_CHECK bool stream_drain(struct stream *stream, struct io_pool *pool, struct io_buffer *buffer,
                             bool more);

/* What the peer has sent that nobody has read yet. */
enum stream_input {
    STREAM_SILENT,    /* nothing, and it can still send */
    STREAM_HAS_INPUT, /* bytes */
    STREAM_OVER,      /* its end, or the stream is broken */
};
enum stream_input stream_look(struct stream *stream);

/* Whether both directions have ended, or it was reset: nothing can be brought to the peer any more.
 * A unix socket says so at once; a TCP socket that was closed looks like one that was half closed
 * until something is sent. */
bool stream_is_hung_up(const struct stream *stream);

/* Closing it will show the peer a reset. */
void stream_set_reset(struct stream *stream);

/* Does nothing when it is closed. */
void stream_close(struct stream *stream);
