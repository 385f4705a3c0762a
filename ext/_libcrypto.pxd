"""libcrypto of OpenSSL 3, as far as it is used here; private to ext/.

``setup.py`` links whatever cimports this with it.
"""

cdef extern from "openssl/crypto.h" nogil:
    ctypedef struct OSSL_LIB_CTX
    void OPENSSL_cleanse(void *at, size_t size)
    int CRYPTO_memcmp(const void *one, const void *other, size_t size)

cdef extern from "openssl/err.h" nogil:
    void ERR_clear_error()

cdef extern from "openssl/rand.h" nogil:
    int RAND_bytes(unsigned char *at, int size)
    int RAND_priv_bytes(unsigned char *at, int size)

cdef extern from "openssl/params.h" nogil:
    ctypedef struct OSSL_PARAM:
        const char *key
        void *data
    OSSL_PARAM OSSL_PARAM_construct_octet_string(const char *key, void *at, size_t size)
    OSSL_PARAM OSSL_PARAM_construct_size_t(const char *key, size_t *number)
    OSSL_PARAM OSSL_PARAM_construct_end()

cdef extern from "openssl/core_names.h" nogil:
    const char *OSSL_CIPHER_PARAM_AEAD_TAG
    const char *OSSL_MAC_PARAM_SIZE
    const char *OSSL_PKEY_PARAM_PRIV_KEY
    const char *OSSL_PKEY_PARAM_PUB_KEY

cdef extern from "openssl/evp.h" nogil:
    ctypedef struct EVP_MD
    ctypedef struct EVP_MD_CTX
    EVP_MD *EVP_MD_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties)
    EVP_MD_CTX *EVP_MD_CTX_new()
    void EVP_MD_CTX_free(EVP_MD_CTX *context)
    int EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *kind, const OSSL_PARAM *params)
    int EVP_DigestUpdate(EVP_MD_CTX *context, const void *at, size_t size)
    int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned int *size)

    ctypedef struct EVP_MAC
    ctypedef struct EVP_MAC_CTX
    EVP_MAC *EVP_MAC_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties)
    EVP_MAC_CTX *EVP_MAC_CTX_new(EVP_MAC *kind)
    EVP_MAC_CTX *EVP_MAC_CTX_dup(const EVP_MAC_CTX *context)
    void EVP_MAC_CTX_free(EVP_MAC_CTX *context)
    int EVP_MAC_init(EVP_MAC_CTX *context, const unsigned char *key, size_t size, const OSSL_PARAM *params)
    int EVP_MAC_update(EVP_MAC_CTX *context, const unsigned char *at, size_t size)
    int EVP_MAC_final(EVP_MAC_CTX *context, unsigned char *mac, size_t *size, size_t room)

    enum: EVP_CTRL_AEAD_GET_TAG
    enum: EVP_CTRL_AEAD_SET_TAG
    ctypedef struct EVP_CIPHER
    ctypedef struct EVP_CIPHER_CTX
    EVP_CIPHER *EVP_CIPHER_fetch(OSSL_LIB_CTX *library, const char *name, const char *properties)
    EVP_CIPHER_CTX *EVP_CIPHER_CTX_new()
    void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context)
    void EVP_CIPHER_free(EVP_CIPHER *kind)
    int EVP_CIPHER_CTX_get_params(EVP_CIPHER_CTX *context, OSSL_PARAM *params)
    int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *context, int kind, int size, void *at)
    int EVP_CipherInit_ex2(
        EVP_CIPHER_CTX *context, const EVP_CIPHER *kind, const unsigned char *key, const unsigned char *nonce,
        int encrypt, const OSSL_PARAM *params,
    )
    int EVP_CipherUpdate(EVP_CIPHER_CTX *context, unsigned char *to, int *done, const unsigned char *at, int size)
    int EVP_CipherFinal_ex(EVP_CIPHER_CTX *context, unsigned char *to, int *done)

    enum: EVP_PKEY_KEYPAIR
    ctypedef struct EVP_PKEY
    ctypedef struct EVP_PKEY_CTX
    ctypedef struct ENGINE
    void EVP_PKEY_free(EVP_PKEY *key)
    EVP_PKEY *EVP_PKEY_new_raw_private_key_ex(
        OSSL_LIB_CTX *library, const char *name, const char *properties, const unsigned char *key, size_t size,
    )
    EVP_PKEY *EVP_PKEY_new_raw_public_key_ex(
        OSSL_LIB_CTX *library, const char *name, const char *properties, const unsigned char *key, size_t size,
    )
    int EVP_PKEY_get_raw_public_key(const EVP_PKEY *key, unsigned char *at, size_t *size)
    EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *key, ENGINE *engine)
    EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(OSSL_LIB_CTX *library, const char *name, const char *properties)
    void EVP_PKEY_CTX_free(EVP_PKEY_CTX *context)
    int EVP_PKEY_fromdata_init(EVP_PKEY_CTX *context)
    int EVP_PKEY_fromdata(EVP_PKEY_CTX *context, EVP_PKEY **key, int selection, OSSL_PARAM *params)
    int EVP_PKEY_derive_init(EVP_PKEY_CTX *context)
    int EVP_PKEY_derive_set_peer_ex(EVP_PKEY_CTX *context, EVP_PKEY *peer, int validate)
    int EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *secret, size_t *size)
