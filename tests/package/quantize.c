#include <octet/octet_op.h>
#include <octet/octet_quantize.h>
#include <stdio.h>

/* quantize MODEL OUTPUT [OPS]: dynamic int8 by the installed library, with the operators of the
 * module OPS; prints why where it fails. */
int main(int count, char** words) {
  if (count != 3 && count != 4) return 2;
  octet_error* error = count == 4 ? octet_load_ops(words[3]) : NULL;
  octet_quantize_options* options = octet_quantize_options_new();
  octet_quantize_options_set_samples(options, 0, NULL, NULL);
  if (error == NULL && options != NULL)
    error = octet_quantize_options_set(options, "mode", "dynamic");
  /* Without the quantizer there are no options, and this says why. */
  if (error == NULL) error = octet_quantize(words[1], words[2], options);
  octet_quantize_options_free(options);
  if (error == NULL) return 0;
  fprintf(stderr, "%s\n", octet_error_message(error));
  octet_error_free(error);
  return 1;
}
