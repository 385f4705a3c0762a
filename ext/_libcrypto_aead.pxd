"""ChaCha20-Poly1305 in place by libcrypto, in the cheapest calls that are documented; private to ext/."""

from libc.stdint cimport uint8_t, uint32_t

from _libcrypto cimport (
    EVP_CIPHER,
    EVP_CIPHER_CTX,
    EVP_CIPHER_CTX_free,
    EVP_CIPHER_CTX_get_params,
    EVP_CIPHER_CTX_new,
    EVP_CIPHER_fetch,
    EVP_CIPHER_free,
    EVP_CipherFinal_ex,
    EVP_CipherInit_ex2,
    EVP_CipherUpdate,
    OPENSSL_cleanse,
    OSSL_CIPHER_PARAM_AEAD_TAG,
    OSSL_PARAM,
    OSSL_PARAM_construct_end,
    OSSL_PARAM_construct_octet_string,
)

from tunnel.crypto.aead cimport AEAD_NONCE, AEAD_TAG, aead_job_t, aead_nonce

cdef inline void _tag_params(OSSL_PARAM *params) noexcept nogil:
    """Where the tag lies is filled in for each packet."""
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, AEAD_TAG)
    params[1] = OSSL_PARAM_construct_end()


cdef inline const uint8_t *_changed(const uint8_t *key, const uint8_t *last) noexcept nogil:
    """NULL, which leaves a context's key as it is, for the one that the packet before had."""
    if key == last:
        return NULL
    return key


cdef inline bint _text(EVP_CIPHER_CTX *context, aead_job_t *job) noexcept nogil:
    """The text in place, up to the tag made or compared."""
    cdef uint8_t[AEAD_TAG] nothing
    cdef int written = 0
    if job.size and EVP_CipherUpdate(context, job.text, &written, job.text, <int> job.size) != 1:
        return False
    return EVP_CipherFinal_ex(context, nothing, &written) == 1


cdef inline void _each(EVP_CIPHER_CTX *context, aead_job_t *jobs, uint32_t count, bint sealing) noexcept nogil:
    """The key is set for the first packet of a call, and again where it changes: 42 of 900 ns.

    The tag to compare with is given together with the nonce, one that was made is asked for afterwards.
    """
    cdef const uint8_t *key = NULL
    cdef OSSL_PARAM[2] params
    cdef uint8_t[AEAD_NONCE] nonce
    cdef aead_job_t *job
    cdef uint32_t i
    _tag_params(params)
    for i in range(count):
        job = &jobs[i]
        aead_nonce(nonce, job.counter)
        params[0].data = job.text + job.size
        job.good = EVP_CipherInit_ex2(
            context, NULL, _changed(job.key, key), nonce, sealing, NULL if sealing else params
        ) == 1
        key = job.key if job.good else NULL
        job.good = job.good and _text(context, job)
        if sealing:
            job.good = job.good and EVP_CIPHER_CTX_get_params(context, params) == 1
            if not job.good:
                OPENSSL_cleanse(job.text, job.size + AEAD_TAG)


cdef inline void libcrypto_seal(void *context, aead_job_t *jobs, uint32_t count) noexcept nogil:
    _each(<EVP_CIPHER_CTX *> context, jobs, count, True)


cdef inline void libcrypto_open(void *context, aead_job_t *jobs, uint32_t count) noexcept nogil:
    _each(<EVP_CIPHER_CTX *> context, jobs, count, False)


cdef inline EVP_CIPHER_CTX *libcrypto_context(int encrypt) noexcept nogil:
    """NULL without memory, or without the algorithm."""
    cdef EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL)
    cdef EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new()
    if cipher == NULL or context == NULL or EVP_CipherInit_ex2(context, cipher, NULL, NULL, encrypt, NULL) != 1:
        EVP_CIPHER_CTX_free(context)
        context = NULL
    EVP_CIPHER_free(cipher)
    return context
