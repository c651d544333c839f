/* A TCG plugin of qemu-user: how many instructions a program has executed, printed when it ends and
   at each getppid that it calls. Debian ships no header of the plugin interface; what is used of
   its version 1 is declared here. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t PluginId;
struct qemu_plugin_tb;
enum { kAddU64 = 0, kGetppid = 173 };
typedef void (*SyscallCallback)(PluginId, unsigned int cpu, int64_t number, uint64_t, uint64_t,
                                uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId id,
                                           void (*translated)(PluginId, struct qemu_plugin_tb*));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, int operation,
                                              void* counter, uint64_t amount);
void qemu_plugin_register_vcpu_syscall_cb(PluginId id, SyscallCallback called);
void qemu_plugin_register_atexit_cb(PluginId id, void (*ended)(PluginId, void*), void* data);

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;

/* A block's instructions count when it is entered. */
static void translated(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, kAddU64, &executed,
                                           qemu_plugin_tb_n_insns(block));
}

static void print(void) { fprintf(stderr, "instructions: %" PRIu64 "\n", executed); }

static void called(PluginId id, unsigned int cpu, int64_t number, uint64_t a, uint64_t b,
                   uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)cpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number == kGetppid) print();
}

static void ended(PluginId id, void* data) {
  (void)id;
  (void)data;
  print();
}

EXPORT int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  (void)argc;
  (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
