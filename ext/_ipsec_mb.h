/* ChaCha20-Poly1305 by intel-ipsec-mb, or by nobody where the package was built without it. */

#ifndef TUNNEL_IPSEC_MB_H
#define TUNNEL_IPSEC_MB_H

#include <stddef.h>
#include <stdint.h>

#ifdef TUNNEL_IPSEC_MB

#include <intel-ipsec-mb.h>

enum { IPSEC_MB_BUILT = 1 };

/* A manager of 200 KB by the widest vectors of this processor; NULL where it is not fit (no SSE4.2, no AES). */
static void *ipsec_mb_new(void)
{
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return NULL;
    init_mb_mgr_auto(manager, NULL);
    if (imb_get_errno(manager) == 0)
        return manager;
    free_mb_mgr(manager);
    return NULL;
}

static void ipsec_mb_free(void *manager)
{
    if (manager != NULL)
        free_mb_mgr(manager);
}

/* One packet in place; the tag is written to `tag` both ways. 0 where it was not done.
 *
 * Of this algorithm the library does one job at a time, at once, whether it is given jobs singly or as a
 * burst; what is checked by submit_job is right here by construction. */
static inline int ipsec_mb_chacha20_poly1305(void *manager, int encrypt, const uint8_t *key, const uint8_t *nonce,
                                             uint8_t *text, uint32_t size, uint8_t *tag)
{
    IMB_MGR *mgr = manager;
    IMB_JOB *job = IMB_GET_NEXT_JOB(mgr);
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = encrypt ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = job->dec_keys = key;
    job->key_len_in_bytes = 32;
    job->iv = nonce;
    job->iv_len_in_bytes = 12;
    job->src = job->dst = text;
    job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = size;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = 16;
    job->u.CHACHA20_POLY1305.aad = NULL;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    job = IMB_SUBMIT_JOB_NOCHECK(mgr);
    if (job == NULL)
        job = IMB_FLUSH_JOB(mgr);
    return job != NULL && job->status == IMB_STATUS_COMPLETED;
}

#else

enum { IPSEC_MB_BUILT = 0 };

static void *ipsec_mb_new(void) { return NULL; }

static void ipsec_mb_free(void *manager) { (void)manager; }

static inline int ipsec_mb_chacha20_poly1305(void *manager, int encrypt, const uint8_t *key, const uint8_t *nonce,
                                             uint8_t *text, uint32_t size, uint8_t *tag)
{
    (void)manager, (void)encrypt, (void)key, (void)nonce, (void)text, (void)size, (void)tag;
    return 0;
}

#endif

#endif
