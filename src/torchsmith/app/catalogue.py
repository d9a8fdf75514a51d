"""What is there to run. Written by tools/compile_catalogue.py from the declarations; not by hand."""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from torchsmith.engine.declare import Need, Node, RuleNode

BITSANDBYTES_LIBRARIES = Need("bitsandbytes_libraries", False, False)
COMPANION_BUILDS = Need("companion_builds", False, False)
COMPUTE_CACHE = Need("compute_cache", False, False)
CONTAINER = Need("container", False, False)
CONTAINER_ANY = Need("container", True, True)
CPU = Need("cpu", False, False)
CPU_ANY = Need("cpu", True, True)
CUDA_CONSUMERS = Need("cuda_consumers", False, False)
DEVICE_NODES = Need("device_nodes", False, False)
DEVICE_NODES_ANY = Need("device_nodes", True, True)
DRIVER = Need("driver", False, False)
DRIVER_ANY = Need("driver", True, True)
DRIVER_FILES = Need("driver_files", False, False)
DRIVER_FILES_ANY = Need("driver_files", True, True)
DRIVER_STATE = Need("driver_state", False, False)
DRIVER_STATE_ANY = Need("driver_state", True, True)
ENVIRONMENT = Need("environment", False, False)
ENVIRONMENT_UNKNOWN = Need("environment", False, True)
ERROR_LINES_ABSENT = Need("error_lines", True, False)
EXTENSION_FILES = Need("extension_files", False, False)
EXTENSION_GPU_CODE = Need("extension_gpu_code", False, False)
FABRIC_MANAGER_ANY = Need("fabric_manager", True, True)
FITTING_BUILD_ANY = Need("fitting_build", True, True)
GPUS = Need("gpus", False, False)
GPUS_ABSENT = Need("gpus", True, False)
GPUS_ANY = Need("gpus", True, True)
GPUS_UNKNOWN = Need("gpus", False, True)
GPU_COVERAGE = Need("gpu_coverage", False, False)
GPU_COVERAGE_ANY = Need("gpu_coverage", True, True)
GPU_COVERAGE_UNKNOWN = Need("gpu_coverage", False, True)
HOST_COMPILER = Need("host_compiler", False, False)
INDEXES = Need("indexes", False, False)
INDEXES_UNKNOWN = Need("indexes", False, True)
INTERPRETER = Need("interpreter", False, False)
INTERPRETER_UNKNOWN = Need("interpreter", False, True)
JETSON = Need("jetson", False, False)
JETSON_ANY = Need("jetson", True, True)
KERNEL_LOG = Need("kernel_log", False, False)
KERNEL_LOG_ANY = Need("kernel_log", True, True)
KERNEL_MODULE = Need("kernel_module", False, False)
KERNEL_MODULE_ANY = Need("kernel_module", True, True)
LIBRARY_VERSIONS = Need("library_versions", False, False)
LOADED_LIBRARIES = Need("loaded_libraries", False, False)
LOADED_LIBRARIES_ANY = Need("loaded_libraries", True, True)
LOADER_PATHS = Need("loader_paths", False, False)
LOCKED_TORCH_ANY = Need("locked_torch", True, True)
MACHINE = Need("machine", False, False)
MACHINE_UNKNOWN = Need("machine", False, True)
NIX = Need("nix", False, False)
NUMPY_ABI_UNKNOWN = Need("numpy_abi", False, True)
NVIDIA_LIBRARIES = Need("nvidia_libraries", False, False)
NVIDIA_LIBRARIES_UNKNOWN = Need("nvidia_libraries", False, True)
NVIDIA_SMI_ANY = Need("nvidia_smi", True, True)
OPENMP_RUNTIMES = Need("openmp_runtimes", False, False)
PACKAGES = Need("packages", False, False)
PACKAGES_UNKNOWN = Need("packages", False, True)
PASTED_PROJECT = Need("pasted_project", False, False)
PATH_PROGRAMS = Need("path_programs", False, False)
PCI_DEVICES = Need("pci_devices", False, False)
PCI_DEVICES_UNKNOWN = Need("pci_devices", False, True)
PYTHON_HEADERS = Need("python_headers", False, False)
ROOM = Need("room", False, False)
TARGET = Need("target", False, False)
TOOLKITS = Need("toolkits", False, False)
TOOLKITS_ABSENT = Need("toolkits", True, False)
TORCH = Need("torch", False, False)
TORCH_ABSENT = Need("torch", True, False)
TORCH_ANY = Need("torch", True, True)
TORCH_GPU_CODE_ANY = Need("torch_gpu_code", True, True)
TORCH_IMPORT = Need("torch_import", False, False)
TORCH_INSTALL = Need("torch_install", False, False)
TORCH_INSTALL_ANY = Need("torch_install", True, True)
TORCH_LIBRARIES = Need("torch_libraries", False, False)
TORCH_LIBRARIES_ANY = Need("torch_libraries", True, True)
TORCH_LIBRARIES_UNKNOWN = Need("torch_libraries", False, True)
TORCH_ORIGIN = Need("torch_origin", False, False)
TORCH_PINS = Need("torch_pins", False, False)
TORCH_PINS_ANY = Need("torch_pins", True, True)
TORCH_REQUIREMENTS = Need("torch_requirements", False, False)
TORCH_REQUIREMENTS_UNKNOWN = Need("torch_requirements", False, True)
TRANSCRIPT = Need("transcript", False, False)
TRITON_PTXAS = Need("triton_ptxas", False, False)
VARIABLES = Need("variables", False, False)
VARIABLES_UNKNOWN = Need("variables", False, True)
VISIBLE_GPUS = Need("visible_gpus", False, False)
VISIBLE_GPUS_ANY = Need("visible_gpus", True, True)
VISIBLE_GPUS_UNKNOWN = Need("visible_gpus", False, True)
WHEEL_CLASHES = Need("wheel_clashes", False, False)
WINDOWS_SETTINGS = Need("windows_settings", False, False)
WSL = Need("wsl", False, False)
XFORMERS_BUILD_ANY = Need("xformers_build", True, True)

NODES: tuple[Node, ...] = (
    Node("machine", "torchsmith.probes.machine", "machine", (), True),
    Node("variables", "torchsmith.probes.variables", "variables", (), True),
    Node("error_lines", "torchsmith.derive.pasted", "error_lines", (), False),
    Node("transcript", "torchsmith.derive.pasted", "transcript", (), False),
    Node("pasted_project", "torchsmith.derive.pasted", "pasted_project", (), False),
    Node("container", "torchsmith.probes.container", "container", (MACHINE,), True),
    Node("jetson", "torchsmith.probes.jetson", "jetson", (MACHINE,), True),
    Node("kernel_module", "torchsmith.probes.kernel_module", "kernel_module", (MACHINE,), True),
    Node("pci_devices", "torchsmith.probes.pci", "pci_devices", (MACHINE,), True),
    Node("target", "torchsmith.probes.target", "target", (MACHINE,), True),
    Node("windows_settings", "torchsmith.probes.windows_settings", "windows_settings", (MACHINE,), True),
    Node("interpreter", "torchsmith.probes.interpreter", "interpreter", (TARGET,), True),
    Node("nvidia_libraries", "torchsmith.probes.nvidia_libraries", "nvidia_libraries", (MACHINE, PCI_DEVICES_UNKNOWN, KERNEL_MODULE_ANY), True),
    Node("device_nodes", "torchsmith.probes.device_nodes", "device_nodes", (MACHINE, NVIDIA_LIBRARIES_UNKNOWN), True),
    Node("environment", "torchsmith.probes.environment", "environment", (TARGET, INTERPRETER), True),
    Node("indexes", "torchsmith.probes.indexes", "indexes", (MACHINE, INTERPRETER_UNKNOWN, VARIABLES), True),
    Node("nvidia_smi", "torchsmith.probes.nvidia_smi", "nvidia_smi", (MACHINE, NVIDIA_LIBRARIES_UNKNOWN), True),
    Node("packages", "torchsmith.probes.packages", "packages", (INTERPRETER,), True),
    Node("path_programs", "torchsmith.probes.path_programs", "path_programs", (MACHINE, INTERPRETER), True),
    Node("toolkits", "torchsmith.probes.toolkits", "toolkits", (MACHINE, INTERPRETER_UNKNOWN, VARIABLES), True),
    Node("torch_import", "torchsmith.probes.torch_import", "torch_import", (INTERPRETER,), True),
    Node("wsl", "torchsmith.probes.wsl", "wsl", (MACHINE, NVIDIA_LIBRARIES_UNKNOWN), True),
    Node("torch", "torchsmith.probes.torch", "torch", (INTERPRETER, TORCH_IMPORT), True),
    Node("driver", "torchsmith.derive.driver", "driver", (MACHINE, NVIDIA_LIBRARIES_UNKNOWN, NVIDIA_SMI_ANY, KERNEL_MODULE_ANY, PCI_DEVICES_UNKNOWN), False),
    Node("driver_state", "torchsmith.derive.driver_state", "driver_state", (MACHINE, NVIDIA_LIBRARIES_UNKNOWN, NVIDIA_SMI_ANY, KERNEL_MODULE_ANY, PCI_DEVICES_UNKNOWN), False),
    Node("gpus", "torchsmith.derive.gpus", "gpus", (NVIDIA_LIBRARIES_UNKNOWN, NVIDIA_SMI_ANY, KERNEL_MODULE_ANY, PCI_DEVICES_UNKNOWN), False),
    Node("bitsandbytes_libraries", "torchsmith.probes.bitsandbytes_libraries", "bitsandbytes_libraries", (PACKAGES, TORCH), True),
    Node("companion_builds", "torchsmith.probes.companion_builds", "companion_builds", (PACKAGES, TORCH), True),
    Node("compute_cache", "torchsmith.probes.compute_cache", "compute_cache", (MACHINE, GPUS, VARIABLES), True),
    Node("cpu", "torchsmith.probes.cpu", "cpu", (MACHINE, TORCH), True),
    Node("driver_files", "torchsmith.probes.driver_files", "driver_files", (MACHINE, DRIVER_STATE), True),
    Node("extension_files", "torchsmith.probes.extension_files", "extension_files", (TORCH, PACKAGES), True),
    Node("fabric_manager", "torchsmith.probes.fabric_manager", "fabric_manager", (MACHINE, DRIVER_STATE), True),
    Node("host_compiler", "torchsmith.probes.host_compiler", "host_compiler", (MACHINE, TOOLKITS, TORCH), True),
    Node("kernel_log", "torchsmith.probes.kernel_log", "kernel_log", (MACHINE, DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN), True),
    Node("locked_torch", "torchsmith.probes.locked_torch", "locked_torch", (ENVIRONMENT, TORCH), True),
    Node("nix", "torchsmith.probes.nix", "nix", (MACHINE, INTERPRETER, VARIABLES, TORCH_ANY), True),
    Node("numpy_abi", "torchsmith.probes.numpy_abi", "numpy_abi", (MACHINE, TORCH, PACKAGES), True),
    Node("openmp_runtimes", "torchsmith.probes.openmp_runtimes", "openmp_runtimes", (MACHINE, INTERPRETER, TORCH), True),
    Node("room", "torchsmith.probes.room", "room", (INTERPRETER, TORCH_ANY), True),
    Node("torch_gpu_code", "torchsmith.probes.torch_gpu_code", "torch_gpu_code", (MACHINE, TORCH, GPUS_UNKNOWN), True),
    Node("torch_install", "torchsmith.probes.torch_install", "torch_install", (PACKAGES, TORCH_ANY), True),
    Node("torch_pins", "torchsmith.probes.torch_pins", "torch_pins", (TORCH, PACKAGES), True),
    Node("torch_requirements", "torchsmith.probes.torch_requirements", "torch_requirements", (MACHINE, TORCH, PACKAGES), True),
    Node("triton_ptxas", "torchsmith.probes.triton_ptxas", "triton_ptxas", (TORCH, PACKAGES, GPUS, VARIABLES), True),
    Node("wheel_clashes", "torchsmith.probes.wheel_clashes", "wheel_clashes", (TORCH, PACKAGES), True),
    Node("xformers_build", "torchsmith.probes.xformers_build", "xformers_build", (PACKAGES, TORCH), True),
    Node("fitting_build", "torchsmith.derive.fitting_build", "fitting_build", (MACHINE, INTERPRETER, GPUS, DRIVER_ANY, TORCH_ANY, PACKAGES_UNKNOWN), False),
    Node("visible_gpus", "torchsmith.derive.visible_gpus", "visible_gpus", (VARIABLES, GPUS), False),
    Node("extension_gpu_code", "torchsmith.probes.extension_gpu_code", "extension_gpu_code", (EXTENSION_FILES, GPUS), True),
    Node("loader_paths", "torchsmith.probes.loader_paths", "loader_paths", (MACHINE, INTERPRETER, TORCH, CPU_ANY), True),
    Node("python_headers", "torchsmith.probes.python_headers", "python_headers", (MACHINE, INTERPRETER, HOST_COMPILER), True),
    Node("gpu_coverage", "torchsmith.derive.gpu_coverage", "gpu_coverage", (MACHINE_UNKNOWN, TORCH, TORCH_GPU_CODE_ANY, GPUS, DRIVER_ANY, VISIBLE_GPUS_ANY), False),
    Node("torch_origin", "torchsmith.derive.torch_origin", "torch_origin", (PACKAGES, TORCH_INSTALL_ANY, LOCKED_TORCH_ANY, TORCH_PINS_ANY), False),
    Node("torch_libraries", "torchsmith.probes.torch_libraries", "torch_libraries", (MACHINE, INTERPRETER, TORCH, LOADER_PATHS), True),
    Node("cuda_consumers", "torchsmith.probes.cuda_consumers", "cuda_consumers", (PACKAGES, LOADER_PATHS, TORCH_LIBRARIES), True),
    Node("loaded_libraries", "torchsmith.derive.loaded_libraries", "loaded_libraries", (MACHINE, LOADER_PATHS, TORCH_LIBRARIES), False),
    Node("library_versions", "torchsmith.probes.library_versions", "library_versions", (LOADED_LIBRARIES, TORCH_LIBRARIES), True),
)

# Asked only where somebody wants to see everything: verbose, JSON, bundle.
DETAILS: tuple[Node, ...] = (
    Node("cgroup", "torchsmith.probes.cgroup", "cgroup", (MACHINE,), True),
    Node("compat_libraries", "torchsmith.probes.compat_libraries", "compat_libraries", (MACHINE,), True),
    Node("computer", "torchsmith.probes.computer", "computer", (MACHINE,), True),
    Node("disks", "torchsmith.probes.disks", "disks", (MACHINE, INTERPRETER_UNKNOWN), True),
    Node("limits", "torchsmith.probes.limits", "limits", (MACHINE,), True),
    Node("memory", "torchsmith.probes.memory", "memory", (MACHINE,), True),
    Node("other_gpus", "torchsmith.probes.other_gpus", "other_gpus", (MACHINE, PCI_DEVICES), True),
    Node("processor", "torchsmith.probes.processor", "processor", (MACHINE,), True),
    Node("toolchain", "torchsmith.probes.toolchain", "toolchain", (MACHINE, INTERPRETER_UNKNOWN, PACKAGES_UNKNOWN), True),
)

RULES: tuple[RuleNode, ...] = (
    RuleNode("benign-arch-warning", "torchsmith.rules.arch.benign_arch_warning", (TORCH, GPU_COVERAGE), (), ()),
    RuleNode("blackwell-needs-open-module", "torchsmith.rules.driver.blackwell_needs_open_module", (MACHINE, DRIVER_STATE, PCI_DEVICES, KERNEL_MODULE, KERNEL_LOG_ANY, NVIDIA_LIBRARIES_UNKNOWN), ("gpu-init-failed-bios-bar", "driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("bnb-no-windows-binary", "torchsmith.rules.companions.bnb_no_windows_binary", (MACHINE, TORCH, VARIABLES, BITSANDBYTES_LIBRARIES), (), ()),
    RuleNode("compat-lib-shadows-driver", "torchsmith.rules.driver.compat_lib_shadows_driver", (DRIVER_STATE, NVIDIA_LIBRARIES, KERNEL_MODULE_ANY, VARIABLES_UNKNOWN), ("driver-user-kernel-mismatch", "driver-too-old-for-cuda", "cuda-does-not-start"), ()),
    RuleNode("conda-mkl-2024-1", "torchsmith.rules.libraries.conda_mkl_2024_1", (TORCH, INTERPRETER, PACKAGES, TORCH_LIBRARIES_UNKNOWN), (), ("linux",)),
    RuleNode("conda-old-cuda-picked", "torchsmith.rules.resolving.conda_old_cuda_picked", (TRANSCRIPT, PACKAGES_UNKNOWN, DRIVER_ANY, VARIABLES_UNKNOWN), (), ()),
    RuleNode("conda-solver-picked-cpu", "torchsmith.rules.wheel.conda_solver_picked_cpu", (INTERPRETER, TORCH, GPUS, PACKAGES, TORCH_INSTALL_ANY, DRIVER_ANY), ("cpu-only-build", "wrong-index-for-platform"), ()),
    RuleNode("conflicting-dll-on-path", "torchsmith.rules.libraries.conflicting_dll_on_path", (TORCH, INTERPRETER, LOADED_LIBRARIES, TORCH_LIBRARIES, LOADER_PATHS), (), ("windows",)),
    RuleNode("container-driver-capabilities", "torchsmith.rules.container.container_driver_capabilities", (CONTAINER, VARIABLES, NVIDIA_LIBRARIES, NVIDIA_SMI_ANY, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "uvm-not-loaded"), ("linux",)),
    RuleNode("container-lost-gpu-cgroup", "torchsmith.rules.container.container_lost_gpu_cgroup", (CONTAINER, NVIDIA_LIBRARIES_UNKNOWN, NVIDIA_SMI_ANY, DEVICE_NODES, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "device-node-permissions", "uvm-not-loaded"), ("linux",)),
    RuleNode("container-no-gpu-runtime", "torchsmith.rules.container.container_no_gpu_runtime", (MACHINE, CONTAINER, VARIABLES, NVIDIA_LIBRARIES_UNKNOWN, DEVICE_NODES_ANY, PCI_DEVICES_UNKNOWN, KERNEL_MODULE_ANY, JETSON_ANY, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated"), ("linux",)),
    RuleNode("container-userspace-driver-mismatch", "torchsmith.rules.driver.container_userspace_driver_mismatch", (CONTAINER, DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN, KERNEL_MODULE_ANY), ("nvidia-module-version-mismatch", "driver-user-kernel-mismatch", "no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("cpu-isa-too-old", "torchsmith.rules.system.cpu_isa_too_old", (CPU, TORCH, INTERPRETER_UNKNOWN), (), ("linux",)),
    RuleNode("cpu-only-build", "torchsmith.rules.wheel.cpu_only_build", (TORCH, GPUS, FITTING_BUILD_ANY), (), ()),
    RuleNode("cuda-build-on-machine-without-cuda", "torchsmith.rules.visibility.cuda_build_on_machine_without_cuda", (TORCH, PCI_DEVICES, GPUS_ABSENT), ("no-nvidia-gpu",), ()),
    RuleNode("cuda-does-not-start", "torchsmith.rules.driver.cuda_does_not_start", (DRIVER_STATE, GPUS_ANY), (), ()),
    RuleNode("cuda-home-malformed", "torchsmith.rules.toolkit.cuda_home_malformed", (MACHINE, VARIABLES, TOOLKITS_ABSENT, TORCH), ("cuda-two-toolkits", "cuda-toolkit-not-found"), ()),
    RuleNode("cuda-stub-library", "torchsmith.rules.driver.cuda_stub_library", (DRIVER_STATE, NVIDIA_LIBRARIES, VARIABLES_UNKNOWN), ("no-nvidia-driver", "no-nvidia-gpu", "ld-library-path-shadowing", "cuda-does-not-start"), ()),
    RuleNode("cuda-toolkit-incomplete", "torchsmith.rules.toolkit.cuda_toolkit_incomplete", (MACHINE, TOOLKITS, TORCH), (), ()),
    RuleNode("cuda-two-toolkits", "torchsmith.rules.toolkit.cuda_two_toolkits", (TOOLKITS, TORCH), (), ()),
    RuleNode("cuda-visible-devices-hides", "torchsmith.rules.visibility.cuda_visible_devices_hides", (VARIABLES, GPUS, VISIBLE_GPUS), (), ()),
    RuleNode("cudnn-major-mismatch", "torchsmith.rules.libraries.cudnn_major_mismatch", (TORCH, CUDA_CONSUMERS, LOADED_LIBRARIES, GPUS_ANY, PACKAGES), ("missing-cudnn", "cudnn-not-on-loader-path"), ()),
    RuleNode("cudnn-not-on-loader-path", "torchsmith.rules.libraries.cudnn_not_on_loader_path", (CUDA_CONSUMERS, LOADER_PATHS, GPUS), (), ("linux",)),
    RuleNode("dependency-replaced-torch", "torchsmith.rules.wheel.dependency_replaced_torch", (TORCH, TORCH_INSTALL, TORCH_PINS, PACKAGES, GPUS_ANY, FITTING_BUILD_ANY), ("cpu-only-build", "torchvision-mismatch", "wrong-index-for-platform", "xformers-mismatch"), ()),
    RuleNode("device-node-permissions", "torchsmith.rules.datacentre.device_node_permissions", (DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN, DEVICE_NODES_ANY, CONTAINER_ANY), ("no-nvidia-gpu", "driver-module-not-loaded", "gpu-init-failed-bios-bar", "uvm-broken-after-suspend", "cuda-does-not-start"), ("linux",)),
    RuleNode("disk-or-tmp-full", "torchsmith.rules.system.disk_or_tmp_full", (MACHINE, ROOM, GPUS_ANY, TORCH_ANY), ("torch-not-installed", "torch-install-incomplete"), ()),
    RuleNode("docker-snap-install", "torchsmith.rules.container.docker_snap_install", (CONTAINER, VARIABLES, NVIDIA_LIBRARIES_UNKNOWN, DEVICE_NODES_ANY, PCI_DEVICES_UNKNOWN, KERNEL_MODULE_ANY, TORCH_ANY), ("container-no-gpu-runtime", "no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated"), ("linux",)),
    RuleNode("driver-minor-compat-feature", "torchsmith.rules.driver.driver_minor_compat_feature", (MACHINE, TORCH, DRIVER, GPU_COVERAGE, VARIABLES_UNKNOWN, FITTING_BUILD_ANY), ("gpu-arch-not-in-build-too-new",), ()),
    RuleNode("driver-module-not-loaded", "torchsmith.rules.driver.driver_module_not_loaded", (MACHINE, DRIVER_STATE, DRIVER_FILES_ANY, KERNEL_MODULE_ANY, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "cuda-does-not-start"), ("linux",)),
    RuleNode("driver-too-old-for-cuda", "torchsmith.rules.driver.driver_too_old_for_cuda", (MACHINE, DRIVER, TORCH_ANY, GPUS_ANY, FITTING_BUILD_ANY), ("no-nvidia-gpu", "gpu-init-failed-bios-bar", "driver-minor-compat-feature", "cuda-does-not-start"), ()),
    RuleNode("driver-user-kernel-mismatch", "torchsmith.rules.driver.driver_user_kernel_mismatch", (DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN, KERNEL_MODULE_ANY, DRIVER_FILES_ANY), ("nvidia-module-version-mismatch", "cuda-does-not-start"), ("linux",)),
    RuleNode("duplicate-openmp-runtime", "torchsmith.rules.libraries.duplicate_openmp_runtime", (TORCH, OPENMP_RUNTIMES, PACKAGES), (), ()),
    RuleNode("duplicate-torch-conda-pip", "torchsmith.rules.python.duplicate_torch_conda_pip", (INTERPRETER, PACKAGES, TORCH_INSTALL, TORCH_ANY, GPUS_ANY, FITTING_BUILD_ANY), ("cpu-only-build", "conda-solver-picked-cpu", "torch-install-incomplete", "wrong-index-for-platform", "duplicate-openmp-runtime"), ()),
    RuleNode("extension-abi-mismatch", "torchsmith.rules.companions.extension_abi_mismatch", (TORCH, EXTENSION_FILES), (), ()),
    RuleNode("extension-arch-not-in-build", "torchsmith.rules.arch.extension_arch_not_in_build", (TORCH, GPU_COVERAGE, EXTENSION_GPU_CODE), (), ()),
    RuleNode("extension-cuda-major-mismatch", "torchsmith.rules.companions.extension_cuda_major_mismatch", (TORCH, EXTENSION_FILES, PACKAGES), ("missing-cuda-runtime-lib",), ()),
    RuleNode("fabric-manager-not-running", "torchsmith.rules.datacentre.fabric_manager_not_running", (MACHINE, DRIVER_STATE, GPUS_ANY, DRIVER_ANY, PCI_DEVICES_UNKNOWN, FABRIC_MANAGER_ANY, CONTAINER_ANY), ("cuda-does-not-start",), ("linux",)),
    RuleNode("fbgemm-libomp140-missing", "torchsmith.rules.libraries.fbgemm_libomp140_missing", (TORCH, LOADED_LIBRARIES, PACKAGES_UNKNOWN), (), ("windows",)),
    RuleNode("forward-compat-on-consumer-gpu", "torchsmith.rules.driver.forward_compat_on_consumer_gpu", (DRIVER_STATE, NVIDIA_LIBRARIES, GPUS_ANY, DRIVER_ANY, FITTING_BUILD_ANY), ("compat-lib-shadows-driver", "driver-too-old-for-cuda", "cuda-does-not-start"), ()),
    RuleNode("glibc-too-old", "torchsmith.rules.system.glibc_too_old", (MACHINE, INTERPRETER, TORCH_ANY, TORCH_LIBRARIES_ANY), ("torch-not-installed", "python-version-unsupported", "libstdcxx-too-old"), ("linux",)),
    RuleNode("gpu-arch-dropped-too-old", "torchsmith.rules.arch.gpu_arch_dropped_too_old", (TORCH, GPU_COVERAGE, FITTING_BUILD_ANY), (), ()),
    RuleNode("gpu-arch-not-in-build", "torchsmith.rules.arch.gpu_arch_not_in_build", (TORCH, GPU_COVERAGE, FITTING_BUILD_ANY), (), ()),
    RuleNode("gpu-arch-not-in-build-too-new", "torchsmith.rules.arch.gpu_arch_not_in_build_too_new", (TORCH, GPU_COVERAGE, FITTING_BUILD_ANY), (), ()),
    RuleNode("gpu-dropped-by-driver", "torchsmith.rules.driver.gpu_dropped_by_driver", (MACHINE, DRIVER, DRIVER_STATE, PCI_DEVICES, NVIDIA_LIBRARIES_UNKNOWN, KERNEL_LOG_ANY), ("no-nvidia-gpu", "gpu-init-failed-bios-bar", "cuda-does-not-start"), ()),
    RuleNode("gpu-hardware-fault", "torchsmith.rules.driver.gpu_hardware_fault", (DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN, NVIDIA_SMI_ANY, KERNEL_LOG_ANY), ("cuda-does-not-start", "gpu-init-failed-bios-bar", "no-nvidia-gpu", "uvm-broken-after-suspend"), ()),
    RuleNode("gpu-init-failed-bios-bar", "torchsmith.rules.driver.gpu_init_failed_bios_bar", (DRIVER_STATE, PCI_DEVICES, KERNEL_MODULE, KERNEL_LOG_ANY, DEVICE_NODES_ANY, VARIABLES_UNKNOWN), ("no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("host-compiler-too-new", "torchsmith.rules.toolkit.host_compiler_too_new", (TOOLKITS, HOST_COMPILER, TORCH), (), ()),
    RuleNode("hybrid-gpu-disabled", "torchsmith.rules.driver.hybrid_gpu_disabled", (DRIVER_STATE, DRIVER_FILES, KERNEL_MODULE_ANY), ("driver-module-not-loaded", "no-nvidia-gpu", "no-nvidia-driver", "cuda-does-not-start"), ("linux",)),
    RuleNode("index-not-configured", "torchsmith.rules.resolving.index_not_configured", (PASTED_PROJECT, TRANSCRIPT), (), ()),
    RuleNode("jetson-needs-vendor-wheel", "torchsmith.rules.container.jetson_needs_vendor_wheel", (JETSON, INTERPRETER_UNKNOWN, TORCH, GPU_COVERAGE_ANY), ("cpu-only-build", "wrong-index-for-platform", "conda-solver-picked-cpu", "gpu-arch-not-in-build", "gpu-arch-not-in-build-too-new", "gpu-arch-dropped-too-old", "no-nvidia-gpu", "no-nvidia-driver"), ()),
    RuleNode("jetson-wheel-jetpack-mismatch", "torchsmith.rules.container.jetson_wheel_jetpack_mismatch", (JETSON, TORCH, LOADED_LIBRARIES_ANY), ("missing-cudnn", "missing-cuda-runtime-lib", "cudnn-major-mismatch", "cudnn-not-on-loader-path"), ()),
    RuleNode("ld-library-path-shadowing", "torchsmith.rules.libraries.ld_library_path_shadowing", (MACHINE, TORCH, LOADED_LIBRARIES, LIBRARY_VERSIONS, LOADER_PATHS, TORCH_LIBRARIES, PACKAGES_UNKNOWN), ("missing-cuda-runtime-lib", "missing-cudnn", "nccl-mismatch", "two-cuda-runtimes"), ("linux",)),
    RuleNode("libstdcxx-too-old", "torchsmith.rules.libraries.libstdcxx_too_old", (TORCH, INTERPRETER, LOADED_LIBRARIES, TORCH_LIBRARIES), (), ("linux",)),
    RuleNode("local-version-satisfied", "torchsmith.rules.resolving.local_version_satisfied", (TRANSCRIPT,), ("cpu-only-build", "wrong-index-for-platform"), ()),
    RuleNode("macos-x86-dropped", "torchsmith.rules.system.macos_x86_dropped", (MACHINE, INTERPRETER, TORCH_ABSENT), ("torch-not-installed", "python-version-unsupported"), ("macos",)),
    RuleNode("mig-misconfig", "torchsmith.rules.datacentre.mig_misconfig", (DRIVER_STATE_ANY, GPUS), ("no-nvidia-gpu", "cuda-does-not-start"), ()),
    RuleNode("mig-single-instance-limit", "torchsmith.rules.datacentre.mig_single_instance_limit", (GPUS_UNKNOWN, VISIBLE_GPUS_UNKNOWN, VARIABLES_UNKNOWN), (), ()),
    RuleNode("missing-cuda-runtime-lib", "torchsmith.rules.libraries.missing_cuda_runtime_lib", (MACHINE, TORCH, LOADED_LIBRARIES, TORCH_LIBRARIES, TORCH_REQUIREMENTS_UNKNOWN, PACKAGES_UNKNOWN), (), ()),
    RuleNode("missing-cudnn", "torchsmith.rules.libraries.missing_cudnn", (MACHINE, TORCH, LOADED_LIBRARIES, TORCH_LIBRARIES, TORCH_REQUIREMENTS_UNKNOWN, PACKAGES_UNKNOWN), (), ()),
    RuleNode("mixed-nvidia-wheels", "torchsmith.rules.libraries.mixed_nvidia_wheels", (TORCH, WHEEL_CLASHES, TORCH_REQUIREMENTS_UNKNOWN, PACKAGES), ("nccl-mismatch", "two-cuda-runtimes"), ()),
    RuleNode("msvc-redist-missing", "torchsmith.rules.libraries.msvc_redist_missing", (TORCH, LOADED_LIBRARIES, TORCH_LIBRARIES, LOADER_PATHS), ("fbgemm-libomp140-missing",), ("windows",)),
    RuleNode("nccl-mismatch", "torchsmith.rules.libraries.nccl_mismatch", (TORCH, TORCH_REQUIREMENTS, PACKAGES, LOADED_LIBRARIES, LIBRARY_VERSIONS), (), ("linux",)),
    RuleNode("nccl-wsl-multi-gpu", "torchsmith.rules.container.nccl_wsl_multi_gpu", (MACHINE, GPUS, TORCH, VARIABLES), (), ("wsl",)),
    RuleNode("nix-cuda-support-off", "torchsmith.rules.container.nix_cuda_support_off", (NIX, TORCH, GPUS_ANY, KERNEL_MODULE_ANY), ("cpu-only-build", "wrong-index-for-platform"), ()),
    RuleNode("nix-no-driver-lib", "torchsmith.rules.container.nix_no_driver_lib", (MACHINE, NIX, TORCH, KERNEL_MODULE_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated"), ("linux",)),
    RuleNode("no-fault", "torchsmith.rules.not_environment.no_fault", (ENVIRONMENT_UNKNOWN, TORCH_ANY, PACKAGES_UNKNOWN, DRIVER_ANY, NVIDIA_LIBRARIES_UNKNOWN, GPU_COVERAGE_UNKNOWN, ERROR_LINES_ABSENT), (), ()),
    RuleNode("no-nvidia-driver", "torchsmith.rules.driver.no_nvidia_driver", (MACHINE, DRIVER_STATE, GPUS_ANY, PCI_DEVICES_UNKNOWN, KERNEL_MODULE_ANY, NVIDIA_LIBRARIES_UNKNOWN, CONTAINER_ANY), ("no-nvidia-gpu", "cuda-does-not-start"), ()),
    RuleNode("no-nvidia-gpu", "torchsmith.rules.visibility.no_nvidia_gpu", (TORCH, GPUS_ABSENT, DRIVER_STATE_ANY), (), ()),
    RuleNode("nonexistent-index", "torchsmith.rules.wheel.nonexistent_index", (INDEXES, TORCH_ANY, GPUS_ANY, FITTING_BUILD_ANY), ("cpu-only-build", "torch-not-installed", "wrong-index-for-platform"), ()),
    RuleNode("nouveau-conflict", "torchsmith.rules.driver.nouveau_conflict", (MACHINE, DRIVER_STATE, PCI_DEVICES_UNKNOWN, KERNEL_MODULE_ANY, KERNEL_LOG_ANY, DRIVER_FILES_ANY), ("driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("numpy-abi", "torchsmith.rules.companions.numpy_abi", (MACHINE, INTERPRETER, TORCH, PACKAGES, NUMPY_ABI_UNKNOWN), (), ()),
    RuleNode("nv-cache-permissions", "torchsmith.rules.system.nv_cache_permissions", (COMPUTE_CACHE, TORCH, GPU_COVERAGE_ANY), (), ("linux",)),
    RuleNode("nvcc-vs-torch-cuda-mismatch", "torchsmith.rules.toolkit.nvcc_vs_torch_cuda_mismatch", (TOOLKITS, TORCH), (), ()),
    RuleNode("nvidia-module-version-mismatch", "torchsmith.rules.driver.nvidia_module_version_mismatch", (DRIVER_STATE, NVIDIA_LIBRARIES_UNKNOWN, KERNEL_MODULE_ANY, DRIVER_FILES_ANY), ("no-nvidia-driver", "no-nvidia-gpu", "driver-module-not-loaded", "cuda-does-not-start"), ("linux",)),
    RuleNode("open-module-needs-turing", "torchsmith.rules.driver.open_module_needs_turing", (DRIVER_STATE, GPUS, KERNEL_MODULE), ("gpu-init-failed-bios-bar", "no-nvidia-driver", "no-nvidia-gpu", "cuda-does-not-start", "driver-module-not-loaded"), ("linux",)),
    RuleNode("poetry-metadata-first-wheel", "torchsmith.rules.resolving.poetry_metadata_first_wheel", (TRANSCRIPT, PASTED_PROJECT), ("missing-cuda-runtime-lib", "missing-cudnn", "torch-install-incomplete"), ()),
    RuleNode("poetry-multi-torch", "torchsmith.rules.resolving.poetry_multi_torch", (PASTED_PROJECT, TRANSCRIPT), (), ()),
    RuleNode("poetry-pep621-source-ignored", "torchsmith.rules.resolving.poetry_pep621_source_ignored", (PASTED_PROJECT,), ("poetry-transitive-torch", "cpu-only-build", "wrong-index-for-platform"), ()),
    RuleNode("poetry-source-undefined", "torchsmith.rules.resolving.poetry_source_undefined", (PASTED_PROJECT,), (), ()),
    RuleNode("poetry-transitive-torch", "torchsmith.rules.resolving.poetry_transitive_torch", (TRANSCRIPT, PASTED_PROJECT), ("dependency-replaced-torch", "sync-reverts-manual-install", "cpu-only-build", "mixed-nvidia-wheels"), ()),
    RuleNode("python-32bit", "torchsmith.rules.system.python_32bit", (MACHINE, INTERPRETER, TORCH_ABSENT), ("torch-not-installed", "python-version-unsupported", "torch-install-incomplete"), ()),
    RuleNode("python-headers-missing", "torchsmith.rules.toolkit.python_headers_missing", (MACHINE, INTERPRETER, PYTHON_HEADERS, TORCH), (), ()),
    RuleNode("python-unusable", "torchsmith.rules.python.python_unusable", (TARGET, INTERPRETER_UNKNOWN), ("torch-not-installed",), ()),
    RuleNode("python-version-unsupported", "torchsmith.rules.system.python_version_unsupported", (MACHINE, INTERPRETER, TORCH_ABSENT), ("torch-not-installed",), ()),
    RuleNode("pytorch-index-as-only-index", "torchsmith.rules.resolving.pytorch_index_as_only_index", (TRANSCRIPT, PASTED_PROJECT), (), ()),
    RuleNode("scheduler-no-gpu-allocated", "torchsmith.rules.datacentre.scheduler_no_gpu_allocated", (VARIABLES, TORCH, GPUS_ANY, PCI_DEVICES_UNKNOWN), ("no-nvidia-gpu", "cuda-visible-devices-hides", "gpu-init-failed-bios-bar", "no-nvidia-driver"), ()),
    RuleNode("secure-boot-blocks-module", "torchsmith.rules.driver.secure_boot_blocks_module", (MACHINE, DRIVER_STATE, DRIVER_FILES, KERNEL_MODULE_ANY, KERNEL_LOG_ANY), ("driver-module-not-loaded", "no-nvidia-driver", "no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("split-lib-lib64-venv", "torchsmith.rules.libraries.split_lib_lib64_venv", (TORCH, INTERPRETER, LOADED_LIBRARIES, TORCH_LIBRARIES), ("missing-cudnn", "missing-cuda-runtime-lib"), ("linux",)),
    RuleNode("sync-reverts-manual-install", "torchsmith.rules.resolving.sync_reverts_manual_install", (TRANSCRIPT,), ("dependency-replaced-torch", "cpu-only-build"), ()),
    RuleNode("toolkit-too-old-for-gpu", "torchsmith.rules.toolkit.toolkit_too_old_for_gpu", (TOOLKITS, GPUS, TORCH), (), ()),
    RuleNode("torch-install-incomplete", "torchsmith.rules.python.torch_install_incomplete", (INTERPRETER, PACKAGES, TORCH_IMPORT, TORCH_ANY, TORCH_INSTALL_ANY, FITTING_BUILD_ANY), ("torch-not-installed", "missing-cuda-runtime-lib", "cpu-only-build", "wrong-python-environment"), ()),
    RuleNode("torch-not-installed", "torchsmith.rules.python.torch_not_installed", (MACHINE, INTERPRETER, TORCH_ABSENT, GPUS_ANY, FITTING_BUILD_ANY), (), ()),
    RuleNode("torch-shadowed", "torchsmith.rules.python.torch_shadowed", (TORCH_IMPORT, TORCH_ANY), ("torch-not-installed", "torch-install-incomplete", "cpu-only-build", "user-site-shadowing"), ()),
    RuleNode("torchvision-mismatch", "torchsmith.rules.companions.torchvision_mismatch", (TORCH, COMPANION_BUILDS, GPUS_ANY), (), ()),
    RuleNode("triton-missing-on-windows", "torchsmith.rules.companions.triton_missing_on_windows", (TORCH, PACKAGES), (), ("windows",)),
    RuleNode("triton-ptxas-too-old", "torchsmith.rules.arch.triton_ptxas_too_old", (TORCH, GPUS, TRITON_PTXAS), (), ()),
    RuleNode("two-cuda-runtimes", "torchsmith.rules.libraries.two_cuda_runtimes", (TORCH, LOADED_LIBRARIES, CUDA_CONSUMERS, GPUS_ANY), (), ("linux",)),
    RuleNode("user-site-shadowing", "torchsmith.rules.python.user_site_shadowing", (INTERPRETER, PACKAGES, TORCH_IMPORT, TORCH_ANY, GPUS_ANY), ("cpu-only-build", "wrong-index-for-platform", "dependency-replaced-torch", "torchvision-mismatch", "numpy-abi"), ()),
    RuleNode("uv-conflicting-extras", "torchsmith.rules.resolving.uv_conflicting_extras", (PASTED_PROJECT,), (), ()),
    RuleNode("uv-fell-back-to-pypi", "torchsmith.rules.resolving.uv_fell_back_to_pypi", (PASTED_PROJECT, TRANSCRIPT, MACHINE_UNKNOWN), ("cpu-only-build", "wrong-index-for-platform"), ()),
    RuleNode("uv-index-not-explicit", "torchsmith.rules.resolving.uv_index_not_explicit", (PASTED_PROJECT,), (), ()),
    RuleNode("uv-local-version-fork", "torchsmith.rules.resolving.uv_local_version_fork", (PASTED_PROJECT,), (), ()),
    RuleNode("uv-sources-incomplete", "torchsmith.rules.resolving.uv_sources_incomplete", (PASTED_PROJECT,), ("torchvision-mismatch", "missing-cuda-runtime-lib", "mixed-nvidia-wheels"), ()),
    RuleNode("uv-sources-transitive", "torchsmith.rules.resolving.uv_sources_transitive", (PASTED_PROJECT,), ("cpu-only-build", "wrong-index-for-platform", "uv-fell-back-to-pypi"), ()),
    RuleNode("uvm-broken-after-suspend", "torchsmith.rules.driver.uvm_broken_after_suspend", (MACHINE, DRIVER_STATE, GPUS_ANY, KERNEL_MODULE_ANY, DEVICE_NODES_ANY, DRIVER_FILES_ANY, KERNEL_LOG_ANY), ("cuda-does-not-start",), ("linux",)),
    RuleNode("uvm-hmm-init-failure", "torchsmith.rules.driver.uvm_hmm_init_failure", (MACHINE, DRIVER_STATE, GPUS, KERNEL_MODULE_ANY), ("cuda-does-not-start",), ("linux",)),
    RuleNode("uvm-not-loaded", "torchsmith.rules.driver.uvm_not_loaded", (DRIVER_STATE, KERNEL_MODULE, DEVICE_NODES_ANY, GPUS_ANY), ("uvm-broken-after-suspend", "uvm-hmm-init-failure", "cuda-does-not-start"), ("linux",)),
    RuleNode("vgpu-needs-grid-driver", "torchsmith.rules.driver.vgpu_needs_grid_driver", (DRIVER_STATE, PCI_DEVICES, KERNEL_LOG), ("driver-module-not-loaded", "no-nvidia-gpu", "cuda-does-not-start"), ("linux",)),
    RuleNode("windows-long-path", "torchsmith.rules.system.windows_long_path", (WINDOWS_SETTINGS, INTERPRETER, TORCH_ANY), ("torch-not-installed", "torch-install-incomplete"), ("windows",)),
    RuleNode("windows-pagefile-too-small", "torchsmith.rules.system.windows_pagefile_too_small", (WINDOWS_SETTINGS, TORCH), (), ("windows",)),
    RuleNode("wrong-accelerator-backend", "torchsmith.rules.visibility.wrong_accelerator_backend", (MACHINE, TORCH, PCI_DEVICES, GPUS_ABSENT, FITTING_BUILD_ANY), ("no-nvidia-gpu", "cuda-build-on-machine-without-cuda", "cpu-only-build"), ()),
    RuleNode("wrong-index-for-platform", "torchsmith.rules.wheel.wrong_index_for_platform", (MACHINE, TORCH, GPUS, INDEXES_UNKNOWN, TORCH_ORIGIN, DRIVER_ANY, FITTING_BUILD_ANY), ("cpu-only-build", "driver-too-old-for-cuda"), ()),
    RuleNode("wrong-python-environment", "torchsmith.rules.python.wrong_python_environment", (TARGET, INTERPRETER, TORCH_ABSENT, PATH_PROGRAMS, FITTING_BUILD_ANY), ("torch-not-installed",), ()),
    RuleNode("wsl-driver-gpu-limit", "torchsmith.rules.container.wsl_driver_gpu_limit", (MACHINE, NVIDIA_LIBRARIES, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "wsl-driver-not-visible", "cuda-does-not-start"), ("wsl",)),
    RuleNode("wsl-driver-not-visible", "torchsmith.rules.container.wsl_driver_not_visible", (WSL, CONTAINER_ANY, NVIDIA_LIBRARIES, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated"), ("wsl",)),
    RuleNode("wsl-linux-driver-installed", "torchsmith.rules.container.wsl_linux_driver_installed", (WSL, CONTAINER_ANY, NVIDIA_LIBRARIES, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "wsl-driver-not-visible", "driver-user-kernel-mismatch", "nvidia-module-version-mismatch"), ("wsl",)),
    RuleNode("wsl-windows-build-too-old", "torchsmith.rules.container.wsl_windows_build_too_old", (WSL, NVIDIA_LIBRARIES_UNKNOWN, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "wsl-driver-not-visible"), ("wsl",)),
    RuleNode("wsl1-not-wsl2", "torchsmith.rules.container.wsl1_not_wsl2", (MACHINE, TORCH_ANY), ("no-nvidia-gpu", "no-nvidia-driver", "driver-module-not-loaded", "scheduler-no-gpu-allocated", "wsl-driver-not-visible", "wsl-windows-build-too-old"), ("wsl",)),
    RuleNode("xformers-mismatch", "torchsmith.rules.companions.xformers_mismatch", (TORCH, PACKAGES, XFORMERS_BUILD_ANY), (), ()),
)
