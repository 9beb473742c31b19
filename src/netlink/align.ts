/** #define NLMSG_HDRLEN ((int) NLMSG_ALIGN(sizeof(struct nlmsghdr))) */
export const NLMSG_HDRLEN = 16;

/** #define NLA_HDRLEN ((int) NLA_ALIGN(sizeof(struct nlattr))) */
export const NLA_HDRLEN = 4;

/** `nla_len` is a __u16: what a nested attribute may hold, its own header included. */
export const NLA_MAX_LENGTH = 0xffff;

/** #define NLMSG_ALIGN(len) (((len) + NLMSG_ALIGNTO - 1) & ~(NLMSG_ALIGNTO - 1)); NLA_ALIGN and RTA_ALIGN are the same. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}
