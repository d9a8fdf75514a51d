/* Stands in for libcuda.so.1: the calls that a diagnosis makes, CUDA_VISIBLE_DEVICES included. */
#include <ctype.h>

#include "description.h"

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
};
enum { CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76 };

static struct machine machine;
static const struct gpu *visible[MOST_GPUS];
static int visible_count;
static int started;

static const struct gpu *named(const char *word)
{
    if (isdigit((unsigned char)*word)) {
        unsigned long index = strtoul(word, NULL, 10);

        return index < machine.gpus ? &machine.gpu[index] : NULL;
    }
    for (unsigned i = 0; i < machine.gpus; i++)
        if (!strncmp(word, "GPU-", 4) && !strncmp(word, machine.gpu[i].uuid, strlen(word)))
            return &machine.gpu[i];
    return NULL;
}

/* The first word that names no GPU ends the list: so the driver does it. */
static void choose_visible(void)
{
    const char *mask = getenv("CUDA_VISIBLE_DEVICES");
    char words[1024];

    visible_count = 0;
    if (!mask) {
        for (unsigned i = 0; i < machine.gpus; i++)
            visible[visible_count++] = &machine.gpu[i];
        return;
    }
    snprintf(words, sizeof words, "%s", mask);
    for (char *word = strtok(words, ", "); word && visible_count < MOST_GPUS; word = strtok(NULL, ", ")) {
        const struct gpu *gpu = named(word);

        if (!gpu)
            break;
        visible[visible_count++] = gpu;
    }
}

static int ready(const void *answer, int index)
{
    if (!started)
        return NOT_INITIALIZED;
    if (!answer)
        return INVALID_VALUE;
    return index < 0 || index >= visible_count ? INVALID_DEVICE : SUCCESS;
}

int cuInit(unsigned flags)
{
    int code;

    if (flags)
        return INVALID_VALUE;
    read_machine(&machine);
    code = misbehave(machine.cuda_init);
    if (code != SUCCESS)
        return code;
    choose_visible();
    started = visible_count > 0;
    return started ? SUCCESS : NO_DEVICE;
}

/* Answers without cuInit, as the driver's does. */
int cuDriverGetVersion(int *version)
{
    if (!version)
        return INVALID_VALUE;
    if (!started)
        read_machine(&machine);
    *version = machine.cuda;
    return SUCCESS;
}

int cuDeviceGetCount(int *count)
{
    if (!started)
        return NOT_INITIALIZED;
    if (!count)
        return INVALID_VALUE;
    *count = visible_count;
    return SUCCESS;
}

int cuDeviceGet(int *device, int index)
{
    int code = ready(device, index);

    if (code == SUCCESS)
        *device = index;
    return code;
}

int cuDeviceGetName(char *name, int length, int device)
{
    int code = ready(name, device);

    if (code == SUCCESS)
        snprintf(name, (size_t)length, "%s", visible[device]->name);
    return code;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    int code = ready(value, device);

    if (code != SUCCESS)
        return code;
    if (attribute == CAPABILITY_MAJOR)
        *value = visible[device]->capability_major;
    else if (attribute == CAPABILITY_MINOR)
        *value = visible[device]->capability_minor;
    else
        code = INVALID_VALUE;
    return code;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    int code = ready(bytes, device);

    if (code == SUCCESS && visible[device]->memory_mib == NOT_SUPPORTED)
        *bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGE_SIZE); /* shared with the host */
    else if (code == SUCCESS)
        *bytes = (size_t)visible[device]->memory_mib << 20;
    return code;
}

int cuDeviceGetPCIBusId(char *bus_id, int length, int device)
{
    int code = ready(bus_id, device);

    if (code == SUCCESS)
        snprintf(bus_id, (size_t)length, "%04X:%02X:%02X.0", visible[device]->pci_domain, visible[device]->pci_bus,
                 visible[device]->pci_slot);
    return code;
}

int cuGetErrorString(int code, const char **text)
{
    if (!text)
        return INVALID_VALUE;
    switch (code) {
    case SUCCESS: *text = "no error"; break;
    case INVALID_VALUE: *text = "invalid argument"; break;
    case 2: *text = "out of memory"; break;
    case NOT_INITIALIZED: *text = "initialization error"; break;
    case 34: *text = "CUDA driver is a stub library"; break;
    case NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
    case INVALID_DEVICE: *text = "invalid device ordinal"; break;
    case 304: *text = "OS call failed or operation not supported on this OS"; break;
    case 802: *text = "system not yet initialized"; break;
    case 803: *text = "system has unsupported display driver / cuda driver combination"; break;
    case 804: *text = "forward compatibility was attempted on non supported HW"; break;
    case 999: *text = "unknown error"; break;
    default: *text = NULL; return INVALID_VALUE;
    }
    return SUCCESS;
}
