"""What is there to run. Written by tools/compile_catalogue.py from the declarations; not by hand."""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from torchsmith.engine.declare import Need, Node, RuleNode

NODES: tuple[Node, ...] = (
    Node("machine", "torchsmith.probes.machine", "machine", (), True),
    Node("variables", "torchsmith.probes.variables", "variables", (), True),
    Node("kernel_module", "torchsmith.probes.kernel_module", "kernel_module", (Need("machine"),), True),
    Node("pci_devices", "torchsmith.probes.pci", "pci_devices", (Need("machine"),), True),
    Node("target", "torchsmith.probes.target", "target", (Need("machine"),), True),
    Node("interpreter", "torchsmith.probes.interpreter", "interpreter", (Need("target"),), True),
    Node("nvidia_libraries", "torchsmith.probes.nvidia_libraries", "nvidia_libraries", (Need("machine"), Need("pci_devices", unknown=True), Need("kernel_module", absent=True, unknown=True)), True),
    Node("device_nodes", "torchsmith.probes.device_nodes", "device_nodes", (Need("machine"), Need("nvidia_libraries", unknown=True)), True),
    Node("environment", "torchsmith.probes.environment", "environment", (Need("target"), Need("interpreter")), True),
    Node("indexes", "torchsmith.probes.indexes", "indexes", (Need("machine"), Need("interpreter", unknown=True), Need("variables")), True),
    Node("nvidia_smi", "torchsmith.probes.nvidia_smi", "nvidia_smi", (Need("machine"), Need("nvidia_libraries", unknown=True)), True),
    Node("packages", "torchsmith.probes.packages", "packages", (Need("interpreter"),), True),
    Node("torch_import", "torchsmith.probes.torch_import", "torch_import", (Need("interpreter"),), True),
    Node("locked_torch", "torchsmith.probes.locked_torch", "locked_torch", (Need("environment"),), True),
    Node("torch", "torchsmith.probes.torch", "torch", (Need("interpreter"), Need("torch_import")), True),
    Node("driver", "torchsmith.derive.driver", "driver", (Need("machine"), Need("nvidia_libraries", unknown=True), Need("nvidia_smi", absent=True, unknown=True), Need("kernel_module", absent=True, unknown=True), Need("pci_devices", unknown=True)), False),
    Node("driver_state", "torchsmith.derive.driver_state", "driver_state", (Need("machine"), Need("nvidia_libraries", unknown=True), Need("nvidia_smi", absent=True, unknown=True), Need("kernel_module", absent=True, unknown=True), Need("pci_devices", unknown=True)), False),
    Node("gpus", "torchsmith.derive.gpus", "gpus", (Need("nvidia_libraries", unknown=True), Need("nvidia_smi", absent=True, unknown=True), Need("kernel_module", absent=True, unknown=True), Need("pci_devices", unknown=True)), False),
    Node("driver_files", "torchsmith.probes.driver_files", "driver_files", (Need("machine"), Need("driver_state")), True),
    Node("fabric_manager", "torchsmith.probes.fabric_manager", "fabric_manager", (Need("machine"), Need("driver_state")), True),
    Node("kernel_log", "torchsmith.probes.kernel_log", "kernel_log", (Need("machine"), Need("driver_state"), Need("nvidia_libraries", unknown=True)), True),
    Node("loader_paths", "torchsmith.probes.loader_paths", "loader_paths", (Need("machine"), Need("interpreter"), Need("torch")), True),
    Node("torch_gpu_code", "torchsmith.probes.torch_gpu_code", "torch_gpu_code", (Need("machine"), Need("torch")), True),
    Node("torch_install", "torchsmith.probes.torch_install", "torch_install", (Need("packages"), Need("torch", absent=True, unknown=True)), True),
    Node("torch_pins", "torchsmith.probes.torch_pins", "torch_pins", (Need("torch"), Need("packages")), True),
    Node("torch_requirements", "torchsmith.probes.torch_requirements", "torch_requirements", (Need("machine"), Need("torch"), Need("packages")), True),
    Node("fitting_build", "torchsmith.derive.fitting_build", "fitting_build", (Need("machine"), Need("interpreter"), Need("gpus"), Need("driver", absent=True, unknown=True), Need("torch", absent=True, unknown=True), Need("packages", unknown=True)), False),
    Node("visible_gpus", "torchsmith.derive.visible_gpus", "visible_gpus", (Need("variables"), Need("gpus")), False),
    Node("torch_libraries", "torchsmith.probes.torch_libraries", "torch_libraries", (Need("machine"), Need("interpreter"), Need("torch"), Need("loader_paths")), True),
    Node("gpu_coverage", "torchsmith.derive.gpu_coverage", "gpu_coverage", (Need("torch"), Need("torch_gpu_code"), Need("gpus")), False),
    Node("loaded_libraries", "torchsmith.derive.loaded_libraries", "loaded_libraries", (Need("machine"), Need("loader_paths"), Need("torch_libraries")), False),
)

RULES: tuple[RuleNode, ...] = (
    RuleNode("cpu-only-build", "torchsmith.rules.wheel.cpu_only_build", (Need("torch"), Need("gpus"), Need("fitting_build", absent=True, unknown=True)), (), ()),
    RuleNode("cuda-visible-devices-hides", "torchsmith.rules.visibility.cuda_visible_devices_hides", (Need("variables"), Need("gpus")), ("scheduler-no-gpu-allocated",), ()),
    RuleNode("driver-too-old-for-cuda", "torchsmith.rules.driver.driver_too_old_for_cuda", (Need("machine"), Need("torch"), Need("driver"), Need("fitting_build", absent=True, unknown=True)), (), ()),
    RuleNode("gpu-arch-dropped-too-old", "torchsmith.rules.arch.gpu_arch_dropped_too_old", (Need("torch"), Need("gpu_coverage"), Need("torch_gpu_code"), Need("fitting_build", absent=True, unknown=True)), (), ()),
    RuleNode("gpu-arch-not-in-build-too-new", "torchsmith.rules.arch.gpu_arch_not_in_build_too_new", (Need("torch"), Need("gpu_coverage"), Need("torch_gpu_code"), Need("fitting_build", absent=True, unknown=True)), (), ()),
    RuleNode("no-nvidia-gpu", "torchsmith.rules.visibility.no_nvidia_gpu", (Need("machine"), Need("torch"), Need("gpus")), (), ()),
    RuleNode("nvidia-module-version-mismatch", "torchsmith.rules.driver.nvidia_module_version_mismatch", (Need("nvidia_libraries", unknown=True), Need("nvidia_smi", absent=True, unknown=True), Need("kernel_module", absent=True, unknown=True)), ("no-nvidia-driver", "no-nvidia-gpu"), ("linux",)),
    RuleNode("torch-not-installed", "torchsmith.rules.python.torch_not_installed", (Need("interpreter"), Need("torch", absent=True), Need("fitting_build", absent=True, unknown=True)), (), ()),
)
