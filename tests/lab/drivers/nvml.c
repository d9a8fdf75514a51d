/* Stands in for libnvidia-ml.so.1: the calls that a diagnosis makes, with NVML's own layouts and codes. */
#include "description.h"

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    UNSUPPORTED = 3,
    INSUFFICIENT_SIZE = 7,
    LIBRARY_NOT_FOUND = 12,
};

typedef struct gpu *device;

typedef struct {
    unsigned long long total, free, used;
} memory;

typedef struct {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
} pci_info;

static struct machine machine;
static int started;

static int put(char *to, unsigned length, const char *text)
{
    if (!to)
        return INVALID_ARGUMENT;
    if (strlen(text) >= length)
        return INSUFFICIENT_SIZE;
    strcpy(to, text);
    return SUCCESS;
}

static int ready(const void *answer)
{
    return !started ? UNINITIALIZED : answer ? SUCCESS : INVALID_ARGUMENT;
}

int nvmlInit_v2(void)
{
    int code;

    read_machine(&machine);
    code = misbehave(machine.nvml_init);
    started = code == SUCCESS;
    return code;
}

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    return nvmlInit_v2();
}

int nvmlShutdown(void)
{
    if (!started)
        return UNINITIALIZED;
    started = 0;
    return SUCCESS;
}

const char *nvmlErrorString(int code)
{
    switch (code) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case UNSUPPORTED: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 5: return "Already Initialized";
    case 6: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case 8: return "Insufficient External Power";
    case 9: return "Driver Not Loaded";
    case 10: return "Timeout";
    case 11: return "Interrupt Request Issue";
    case LIBRARY_NOT_FOUND: return "NVML Shared Library Not Found";
    case 13: return "Function Not Found";
    case 14: return "Corrupted infoROM";
    case 15: return "GPU is lost";
    case 16: return "GPU requires reset";
    case 17: return "GPU access blocked by the operating system";
    case 18: return "Driver/library version mismatch";
    case 19: return "In use by another client";
    case 20: return "Insufficient Memory";
    default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    return started ? put(version, length, machine.driver) : UNINITIALIZED;
}

/* The one question that NVML answers before nvmlInit: it asks the library, not the driver. */
int nvmlSystemGetNVMLVersion(char *version, unsigned length)
{
    if (!started)
        read_machine(&machine);
    return put(version, length, machine.nvml);
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    int code = ready(version);

    if (code == SUCCESS && machine.without_libcuda)
        return LIBRARY_NOT_FOUND;
    if (code == SUCCESS)
        *version = machine.cuda;
    return code;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    int code = ready(count);

    if (code == SUCCESS)
        *count = machine.gpus;
    return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *gpu)
{
    int code = ready(gpu);

    if (code == SUCCESS && index >= machine.gpus)
        code = INVALID_ARGUMENT;
    if (code == SUCCESS)
        *gpu = &machine.gpu[index];
    return code;
}

int nvmlDeviceGetName(device gpu, char *name, unsigned length)
{
    int code = ready(gpu);

    return code == SUCCESS ? put(name, length, gpu->name) : code;
}

int nvmlDeviceGetUUID(device gpu, char *uuid, unsigned length)
{
    int code = ready(gpu);

    return code == SUCCESS ? put(uuid, length, gpu->uuid) : code;
}

int nvmlDeviceGetCudaComputeCapability(device gpu, int *major, int *minor)
{
    int code = ready(gpu && major ? minor : NULL);

    if (code == SUCCESS) {
        *major = gpu->capability_major;
        *minor = gpu->capability_minor;
    }
    return code;
}

int nvmlDeviceGetMemoryInfo(device gpu, memory *answer)
{
    int code = ready(gpu ? answer : NULL);

    if (code != SUCCESS)
        return code;
    if (gpu->memory_mib == NOT_SUPPORTED)
        return UNSUPPORTED;
    answer->total = (unsigned long long)gpu->memory_mib << 20;
    answer->used = answer->total / 32;
    answer->free = answer->total - answer->used;
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(device gpu, pci_info *pci)
{
    int code = ready(gpu ? pci : NULL);

    if (code != SUCCESS)
        return code;
    memset(pci, 0, sizeof *pci);
    pci->domain = gpu->pci_domain;
    pci->bus = gpu->pci_bus;
    pci->device = gpu->pci_slot;
    pci->pci_device_id = gpu->pci_device_id;
    snprintf(pci->bus_id_legacy, sizeof pci->bus_id_legacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
             pci->device & 0xff);
    snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
    return SUCCESS;
}

int nvmlDeviceGetMigMode(device gpu, unsigned *current, unsigned *pending)
{
    int code = ready(gpu && current ? pending : NULL);

    if (code != SUCCESS)
        return code;
    if (gpu->mig == NOT_SUPPORTED)
        return UNSUPPORTED;
    *current = *pending = (unsigned)gpu->mig;
    return SUCCESS;
}

static int give(device gpu, int *answer, int value)
{
    int code = ready(gpu ? answer : NULL);

    if (code == SUCCESS)
        *answer = value;
    return code;
}

int nvmlDeviceGetPersistenceMode(device gpu, int *mode)
{
    return give(gpu, mode, gpu ? gpu->persistence : 0);
}

int nvmlDeviceGetComputeMode(device gpu, int *mode)
{
    return give(gpu, mode, gpu ? gpu->compute_mode : 0);
}

int nvmlDeviceGetDisplayActive(device gpu, int *active)
{
    return give(gpu, active, gpu ? gpu->display_active : 0);
}
