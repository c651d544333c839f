/* run MODEL: runs a model of one float input and one float output into memory of its own. */
#include <octet/octet.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(octet_error* error) {
  fprintf(stderr, "status %d: %s\n", (int)octet_error_status(error), octet_error_message(error));
  octet_error_free(error);
  return 1;
}

/* Elements of a port, free extents taken as 1; those go into dims. */
static size_t extents_of(octet_port port, int64_t* dims) {
  size_t count = 1;
  for (size_t i = 0; i < port.rank; ++i) {
    dims[i] = port.dims[i] > 0 ? port.dims[i] : 1;
    count *= (size_t)dims[i];
  }
  return count;
}

static octet_error* run_into(octet_session* session) {
  int64_t in_dims[8], out_dims[8];
  const octet_port in = octet_session_input(session, 0), out = octet_session_output(session, 0);
  const size_t in_count = extents_of(in, in_dims), out_count = extents_of(out, out_dims);
  float* x = calloc(in_count, sizeof *x);
  float* y = calloc(out_count, sizeof *y);
  const octet_tensor input = {OCTET_FLOAT, x, in_count * sizeof *x, in_dims, in.rank};
  octet_tensor output = {OCTET_FLOAT, y, out_count * sizeof *y, out_dims, out.rank};
  octet_error* error = NULL;
  for (int i = 0; i < 3 && error == NULL; ++i)
    error = octet_session_run_into(session, &input, 1, &output, 1, NULL);
  if (error == NULL) printf("%s[0] = %g\n", out.name, y[0]);
  free(x);
  free(y);
  return error;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: run MODEL\n");
    return 2;
  }
  octet_options* options = octet_options_new();
  octet_options_set_threads(options, 1);
  octet_session* session = NULL;
  octet_error* error = octet_session_load(argv[1], options, &session);
  octet_options_free(options);
  if (error == NULL) error = run_into(session);
  octet_session_free(session);
  return error == NULL ? 0 : fail(error);
}
