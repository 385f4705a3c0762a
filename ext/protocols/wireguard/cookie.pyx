"""mac1, mac2 and cookies (https://www.wireguard.com/protocol/).

    sender, with a `Stamper`                        receiver, with a `Checker`
    mac1, and mac2 if there is a cookie        ──▶  mac1: does it know our public key?
                                                    under load, mac2: does it live where it says?
    receive: keep the cookie for 120 s         ◀──  reply: the cookie of its address, sealed to mac1
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from _libcrypto cimport CRYPTO_memcmp, RAND_bytes
from tunnel.crypto.blake2s cimport blake2s_hash, blake2s_keyed, blake2s_keyed_free, blake2s_mac, blake2s_mac_by
from tunnel.crypto.oneshot cimport oneshot_xopen, oneshot_xseal
from tunnel.protocols.wireguard.layout cimport (
    COOKIE_NONCE, COOKIE_NONCE_SIZE, COOKIE_RECEIVER, COOKIE_REPLY_SIZE, COOKIE_SEALED, COOKIE_SIZE, INITIATION_SIZE,
    KEY_SIZE, MAC_SIZE, RESPONSE_SIZE, SENDER, TYPE_COOKIE,
)
from tunnel.secret cimport secret_free, secret_make, secret_wipe
from tunnel.wire cimport le32, load64, put32le

cdef uint64_t COOKIE_NS = 120_000_000_000      # a secret's life at the checker, a cookie's at the sender


cdef inline bint young(uint64_t then_ns, uint64_t now_ns) noexcept nogil:
    return now_ns < then_ns + COOKIE_NS


cdef inline bint label_key(const char *label, const uint8_t *public, uint8_t *key) noexcept nogil:
    """HASH of a label of 8 bytes and a public key."""
    return blake2s_hash(<const uint8_t *> label, 8, public, KEY_SIZE, key)


# --- Messages that come to us.

cdef bint checker_mac1(checker_t *checker, const uint8_t *message, uint32_t size) noexcept nogil:
    """Whether mac1 of an initiation or a response, of its exact size, is right."""
    cdef uint8_t[MAC_SIZE] mac
    cdef uint32_t before = size - 2 * MAC_SIZE
    return blake2s_mac_by(checker.mac1, message, before, mac) and CRYPTO_memcmp(mac, message + before, MAC_SIZE) == 0


cdef inline bint cookie_of(checker_t *checker, const uint8_t *source, uint32_t size, uint8_t *cookie) noexcept nogil:
    return blake2s_mac(checker.secret, KEY_SIZE, source, size, cookie)


cdef bint checker_mac2(
    checker_t *checker, const uint8_t *message, uint32_t size, const uint8_t *source, uint32_t source_size,
    uint64_t now_ns,
) noexcept nogil:
    """Whether mac2 is that of the cookie of this source; mac1 has been checked. False once the secret is too old."""
    cdef uint8_t[COOKIE_SIZE] cookie
    cdef uint8_t[MAC_SIZE] mac
    cdef uint32_t before = size - MAC_SIZE
    cdef bint right
    if not checker.has_secret or not young(checker.secret_ns, now_ns):
        return False
    if load64(message + before) == 0 and load64(message + before + 8) == 0:
        return False          # who has no cookie says so: a flood of such costs no hash
    right = (
        cookie_of(checker, source, source_size, cookie)
        and blake2s_mac(cookie, COOKIE_SIZE, message, before, mac)
        and CRYPTO_memcmp(mac, message + before, MAC_SIZE) == 0
    )
    secret_wipe(cookie, COOKIE_SIZE)
    return right


cdef inline bint renew(checker_t *checker, uint64_t now_ns) noexcept nogil:
    """A secret that is not too old; False without entropy."""
    if not checker.has_secret or not young(checker.secret_ns, now_ns):
        checker.has_secret = RAND_bytes(checker.secret, KEY_SIZE) == 1
        checker.secret_ns = now_ns
    return checker.has_secret


cdef bint checker_reply(
    checker_t *checker, const uint8_t *message, uint32_t size, const uint8_t *source, uint32_t source_size,
    const uint8_t *nonce, uint64_t now_ns, uint8_t *reply,
) noexcept nogil:
    """The 64 bytes that give this source its cookie, for a message whose mac1 was right.

    ``nonce`` is 24 bytes, or NULL: libcrypto's. False without entropy or memory: ``reply`` is zero then,
    and not to be sent.
    """
    cdef uint8_t[COOKIE_SIZE] cookie
    cdef bint done = renew(checker, now_ns)
    put32le(reply, TYPE_COOKIE)
    memcpy(reply + COOKIE_RECEIVER, message + SENDER, 4)
    if nonce != NULL:
        memcpy(reply + COOKIE_NONCE, nonce, COOKIE_NONCE_SIZE)
    else:
        done = done and RAND_bytes(reply + COOKIE_NONCE, COOKIE_NONCE_SIZE) == 1
    done = done and cookie_of(checker, source, source_size, cookie) and oneshot_xseal(
        checker.reply_key, reply + COOKIE_NONCE, message + size - 2 * MAC_SIZE, MAC_SIZE, cookie, COOKIE_SIZE,
        reply + COOKIE_SEALED,
    )
    secret_wipe(cookie, COOKIE_SIZE)
    if not done:
        memset(reply, 0, COOKIE_REPLY_SIZE)
    return done


# --- Messages that we send to one peer.

cdef bint stamper_stamp(stamper_t *stamper, uint8_t *message, uint32_t size, uint64_t now_ns) noexcept nogil:
    """Write both macs; False only without memory."""
    cdef uint8_t *mac1 = message + size - 2 * MAC_SIZE
    cdef uint8_t *mac2 = message + size - MAC_SIZE
    memset(mac2, 0, MAC_SIZE)
    if stamper.has_cookie and not young(stamper.cookie_ns, now_ns):
        secret_wipe(stamper.cookie, COOKIE_SIZE)
        stamper.has_cookie = False
    stamper.has_mac1 = blake2s_mac(stamper.mac1_key, KEY_SIZE, message, size - 2 * MAC_SIZE, mac1)
    memcpy(stamper.mac1, mac1, MAC_SIZE)
    return stamper.has_mac1 and (
        not stamper.has_cookie or blake2s_mac(stamper.cookie, COOKIE_SIZE, message, size - MAC_SIZE, mac2)
    )


cdef bint stamper_receive(stamper_t *stamper, const uint8_t *reply, uint64_t now_ns) noexcept nogil:
    """Whether the reply is to the message stamped last; its cookie is kept then, and no second one is taken."""
    cdef uint8_t[COOKIE_SIZE] cookie
    if not stamper.has_mac1 or le32(reply) != TYPE_COOKIE or not oneshot_xopen(
        stamper.reply_key, reply + COOKIE_NONCE, stamper.mac1, MAC_SIZE, reply + COOKIE_SEALED, COOKIE_SIZE, cookie,
    ):
        return False
    memcpy(stamper.cookie, cookie, COOKIE_SIZE)
    secret_wipe(cookie, COOKIE_SIZE)
    stamper.cookie_ns = now_ns
    stamper.has_cookie = True
    stamper.has_mac1 = False
    return True


cdef check(bytes content, tuple sizes, str what):
    if len(content) not in sizes:
        raise ValueError(f"{what} has {' or '.join(map(str, sizes))} bytes, not {len(content)}")


cdef check_message(bytes message):
    check(message, (INITIATION_SIZE, RESPONSE_SIZE), "a handshake message")


cdef class Checker:
    """Checks what comes to the device with this public key, of 32 bytes, and hands out cookies."""

    def __cinit__(self, bytes public not None):
        cdef uint8_t[KEY_SIZE] key
        check(public, (KEY_SIZE,), "a public key")
        self.c = <checker_t *> secret_make(sizeof(checker_t))
        if not label_key(b"mac1----", public, key):
            raise MemoryError("a checker of macs")
        self.c.mac1 = blake2s_keyed(key, KEY_SIZE)
        if self.c.mac1 == NULL or not label_key(b"cookie--", public, self.c.reply_key):
            raise MemoryError("a checker of macs")

    def __init__(self, public):
        pass

    def __dealloc__(self):
        if self.c != NULL:
            blake2s_keyed_free(self.c.mac1)
            secret_free(self.c, sizeof(checker_t))

    def mac1(self, bytes message not None):
        """Whether mac1 of an initiation or a response is right."""
        check_message(message)
        return checker_mac1(self.c, message, <uint32_t> len(message))

    def mac2(self, bytes message not None, bytes source not None, uint64_t now_ns):
        """Whether mac2 is that of this source's cookie; ``source`` is 4 or 16 bytes of address, then the port."""
        check_message(message)
        check(source, (6, 18), "a source")
        return checker_mac2(self.c, message, <uint32_t> len(message), source, <uint32_t> len(source), now_ns)

    def reply(self, bytes message not None, bytes source not None, uint64_t now_ns, bytes nonce=None,
              bytes secret=None):
        """The cookie reply, 64 bytes, to a message whose mac1 was right.

        ``nonce``, 24 bytes, and ``secret``, 32, are for tests; otherwise they are libcrypto's.
        """
        cdef uint8_t[COOKIE_REPLY_SIZE] reply
        cdef const uint8_t *given = NULL
        check_message(message)
        check(source, (6, 18), "a source")
        if nonce is not None:
            check(nonce, (COOKIE_NONCE_SIZE,), "a nonce")
            given = nonce
        if secret is not None:
            check(secret, (KEY_SIZE,), "a secret")
            memcpy(self.c.secret, <const uint8_t *> secret, KEY_SIZE)
            self.c.secret_ns = now_ns
            self.c.has_secret = True
        if not checker_reply(
            self.c, message, <uint32_t> len(message), source, <uint32_t> len(source), given, now_ns, reply,
        ):
            raise MemoryError("libcrypto")
        return reply[:COOKIE_REPLY_SIZE]


cdef class Stamper:
    """Ends what is sent to the peer with this public key, of 32 bytes, and keeps the cookie that it gives."""

    def __cinit__(self, bytes remote_public not None):
        check(remote_public, (KEY_SIZE,), "a public key")
        self.c = <stamper_t *> secret_make(sizeof(stamper_t))
        if not (
            label_key(b"mac1----", remote_public, self.c.mac1_key)
            and label_key(b"cookie--", remote_public, self.c.reply_key)
        ):
            raise MemoryError("a stamper of macs")

    def __init__(self, remote_public):
        pass

    def __dealloc__(self):
        secret_free(self.c, sizeof(stamper_t))

    def stamp(self, bytes message not None, uint64_t now_ns):
        """The message with mac1, and with mac2 if there is a cookie younger than 120 s; mac1 is remembered."""
        cdef bytearray stamped
        check_message(message)
        stamped = bytearray(message)
        if not stamper_stamp(self.c, stamped, <uint32_t> len(message), now_ns):
            raise MemoryError("libcrypto")
        return bytes(stamped)

    def receive(self, bytes reply not None, uint64_t now_ns):
        """Whether a cookie reply answers what was stamped last; its cookie is kept then, and mac1 forgotten.

        Whose reply it is, its index has told; nothing is to be sent now.
        """
        return len(reply) == COOKIE_REPLY_SIZE and stamper_receive(self.c, reply, now_ns)
