"""No counter is ever sealed twice with a key: asserted where it is used. Header-only.

Only in the build with the sanitizers (``TUNNEL_BUILD=sanitize``), which the fuzzers and some unit tests run.
"""

from libc.stdint cimport uint32_t

from tunnel.crypto.aead cimport aead_job_t
from tunnel.protocols.wireguard.state cimport keypair_t

cdef extern from *:
    """
    #include <stdio.h>
    #include <stdlib.h>
    #ifdef TUNNEL_SANITIZE
    #define NONCES_ASSERTED 1
    #else
    #define NONCES_ASSERTED 0
    #endif
    static void nonces_reused(void) {
        fputs("a nonce was about to be used twice\\n", stderr);
        abort();
    }
    """
    bint NONCES_ASSERTED
    void nonces_reused() noexcept nogil


cdef inline void nonces_assert(const aead_job_t *jobs, uint32_t count) noexcept nogil:
    """Abort where a job's counter is not above all that its keypair has sealed with."""
    cdef keypair_t *keypair
    cdef uint32_t i
    if not NONCES_ASSERTED:
        return
    for i in range(count):
        keypair = <keypair_t *> jobs[i].key    # its first member
        if jobs[i].counter < keypair.sealed:
            nonces_reused()
        keypair.sealed = jobs[i].counter + 1
