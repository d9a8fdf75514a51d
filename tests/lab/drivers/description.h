/* Reads the description of a machine that the stand-ins answer from.
 *
 * The file named by TORCHSMITH_LAB_DRIVER holds lines "key=value"; a line "[gpu]" opens the next GPU. Unknown keys are
 * skipped, so that nvidia-smi's own keys may stand in the same file. Without the file there is a driver and no GPU.
 */
#ifndef LAB_DESCRIPTION_H
#define LAB_DESCRIPTION_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_GPUS = 32, TEXT = 96, HANG_SECONDS = 90 };
enum { INIT_HANGS = -1, INIT_CRASHES = -2 };
enum { NOT_SUPPORTED = -1 };

struct gpu {
    char name[TEXT];
    char uuid[TEXT];
    int capability_major, capability_minor;
    long long memory_mib; /* NOT_SUPPORTED where the GPU shares the host's memory */
    unsigned pci_domain, pci_bus, pci_slot;
    unsigned pci_device_id; /* as NVML gives it: device id in the upper half, vendor in the lower */
    int mig, persistence, display_active, compute_mode;
};

struct machine {
    char driver[TEXT];
    char nvml[TEXT];
    int cuda; /* 13000 is 13.0 */
    int without_libcuda;
    int nvml_init, cuda_init;
    unsigned gpus;
    struct gpu gpu[MOST_GPUS];
};

static int init_code(const char *text)
{
    if (!strcmp(text, "hang"))
        return INIT_HANGS;
    if (!strcmp(text, "crash"))
        return INIT_CRASHES;
    return atoi(text);
}

/* Does what an ill driver does before it would have returned a code. A hang ends some day, so that a caller that fails
 * to kill its child leaves none behind for good. */
static int misbehave(int code)
{
    if (code == INIT_HANGS) {
        sleep(HANG_SECONDS);
        return 10;
    }
    if (code == INIT_CRASHES)
        raise(SIGSEGV);
    return code;
}

static void set_text(char *to, const char *from)
{
    snprintf(to, TEXT, "%s", from);
}

static void set_gpu(struct gpu *gpu, const char *key, const char *value)
{
    if (!strcmp(key, "name"))
        set_text(gpu->name, value);
    else if (!strcmp(key, "uuid"))
        set_text(gpu->uuid, value);
    else if (!strcmp(key, "capability"))
        sscanf(value, "%d.%d", &gpu->capability_major, &gpu->capability_minor);
    else if (!strcmp(key, "memory_mib"))
        gpu->memory_mib = atoll(value);
    else if (!strcmp(key, "pci_bus"))
        sscanf(value, "%x:%x:%x", &gpu->pci_domain, &gpu->pci_bus, &gpu->pci_slot);
    else if (!strcmp(key, "pci_device_id"))
        gpu->pci_device_id = (unsigned)(strtoul(value, NULL, 16) << 16) | 0x10deu;
    else if (!strcmp(key, "mig"))
        gpu->mig = atoi(value);
    else if (!strcmp(key, "persistence"))
        gpu->persistence = atoi(value);
    else if (!strcmp(key, "display_active"))
        gpu->display_active = atoi(value);
    else if (!strcmp(key, "compute_mode"))
        gpu->compute_mode = atoi(value);
}

static void set_machine(struct machine *machine, const char *key, const char *value)
{
    if (!strcmp(key, "driver"))
        set_text(machine->driver, value);
    else if (!strcmp(key, "nvml"))
        set_text(machine->nvml, value);
    else if (!strcmp(key, "cuda"))
        machine->cuda = atoi(value);
    else if (!strcmp(key, "without_libcuda"))
        machine->without_libcuda = atoi(value);
    else if (!strcmp(key, "nvml_init"))
        machine->nvml_init = init_code(value);
    else if (!strcmp(key, "cuda_init"))
        machine->cuda_init = init_code(value);
}

static void read_machine(struct machine *machine)
{
    const char *path = getenv("TORCHSMITH_LAB_DRIVER");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512];
    struct gpu *gpu = NULL;

    memset(machine, 0, sizeof *machine);
    while (file && fgets(line, sizeof line, file)) {
        char *equals = strchr(line, '=');

        line[strcspn(line, "\r\n")] = 0;
        if (!strcmp(line, "[gpu]") && machine->gpus < MOST_GPUS)
            gpu = &machine->gpu[machine->gpus++];
        else if (equals) {
            *equals = 0;
            if (gpu)
                set_gpu(gpu, line, equals + 1);
            else
                set_machine(machine, line, equals + 1);
        }
    }
    if (file)
        fclose(file);
}

#endif
