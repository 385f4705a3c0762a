"""OpenSSL 3's libcrypto; private to ext/. A module that cimports this is linked with it (setup.py)."""

cdef extern from "openssl/crypto.h" nogil:
    void OPENSSL_cleanse(void *at, size_t size)
    int CRYPTO_memcmp(const void *one, const void *other, size_t size)

cdef extern from "openssl/params.h" nogil:
    ctypedef struct OSSL_PARAM:
        void *data
    OSSL_PARAM OSSL_PARAM_construct_octet_string(const char *name, void *at, size_t size)
    OSSL_PARAM OSSL_PARAM_construct_end()

cdef extern from "openssl/core_names.h" nogil:
    const char *OSSL_CIPHER_PARAM_AEAD_TAG

cdef extern from "openssl/evp.h" nogil:
    ctypedef struct EVP_CIPHER:
        pass
    ctypedef struct EVP_CIPHER_CTX:
        pass
    EVP_CIPHER *EVP_CIPHER_fetch(void *library, const char *name, const char *properties)
    void EVP_CIPHER_free(EVP_CIPHER *cipher)
    EVP_CIPHER_CTX *EVP_CIPHER_CTX_new()
    void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context)
    int EVP_CIPHER_CTX_get_params(EVP_CIPHER_CTX *context, OSSL_PARAM *params)
    int EVP_CipherInit_ex2(
        EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, const unsigned char *key,
        const unsigned char *nonce, int encrypt, const OSSL_PARAM *params)
    int EVP_CipherUpdate(
        EVP_CIPHER_CTX *context, unsigned char *to, int *written, const unsigned char *at, int size)
    int EVP_CipherFinal_ex(EVP_CIPHER_CTX *context, unsigned char *to, int *written)
