# SPDX-License-Identifier: Apache-2.0
"""What the outer tests stand on: the gate as a process, an engine that records every byte, and a client that sends raw bytes
and reads strictly. Nothing here uses code of the product: the HTTP readers are written anew, so that an error of the gate's
parser cannot hide in the tests. No test sleeps; every wait is for a thing (bytes, a log record, the end of a process) with a
deadline that only a failure reaches. Where nothing may happen for a moment, Gate.stand_still() and Stream.quiet() say so by name."""
