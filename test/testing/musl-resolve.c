/* Looks up names with the C library's resolver: NAME and its addresses in order, or what the library says. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int compare(const void *a, const void *b) {
  return strcmp(a, b);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char texts[64][INET6_ADDRSTRLEN];
    int count = 0;
    int error = getaddrinfo(argv[i], NULL, &hints, &found);
    printf("%s", argv[i]);
    if (error != 0) printf(" (%s)", gai_strerror(error));
    for (struct addrinfo *at = found; at != NULL && count < 64; at = at->ai_next)
      getnameinfo(at->ai_addr, at->ai_addrlen, texts[count++], INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST);
    qsort(texts, count, INET6_ADDRSTRLEN, compare);
    for (int n = 0; n < count; n++) printf(" %s", texts[n]);
    printf("\n");
  }
  return 0;
}
