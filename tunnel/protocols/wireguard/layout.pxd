"""The messages of WireGuard on the wire: sizes and offsets. Header-only.

Numbers are little-endian. The type is one byte, and three that are reserved and zero, read as one number.
"""

cdef enum:
    KEY_SIZE = 32
    TAG_SIZE = 16
    MAC_SIZE = 16             # mac1 and mac2 end every handshake message
    TIMESTAMP_SIZE = 12       # TAI64N

cdef enum:
    TYPE_INITIATION = 1
    TYPE_RESPONSE = 2
    TYPE_COOKIE = 3
    TYPE_TRANSPORT = 4

cdef enum:
    SENDER = 4                # of initiation and response

cdef enum:
    INITIATION_EPHEMERAL = 8
    INITIATION_STATIC = 40
    INITIATION_TIMESTAMP = 88
    INITIATION_SIZE = 148

cdef enum:
    RESPONSE_RECEIVER = 8
    RESPONSE_EPHEMERAL = 12
    RESPONSE_EMPTY = 44
    RESPONSE_SIZE = 92

cdef enum:
    COOKIE_RECEIVER = 4
    COOKIE_NONCE = 8
    COOKIE_NONCE_SIZE = 24
    COOKIE_SEALED = 32
    COOKIE_SIZE = 16          # of the cookie itself
    COOKIE_REPLY_SIZE = 64

cdef enum:
    TRANSPORT_RECEIVER = 4
    TRANSPORT_COUNTER = 8
    TRANSPORT_FRONT = 16      # what stands before the sealed packet
    TRANSPORT_MIN = 32        # and the tag: a keepalive
