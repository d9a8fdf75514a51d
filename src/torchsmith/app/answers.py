"""Who reads and answers what a text tells. Written by tools/compile_catalogue.py from the declarations; not by hand."""
# fmt: off

from __future__ import annotations

# cause -> module with its `told`
TOLD: dict[str, str] = {
    "benign-arch-warning": "torchsmith.rules.arch.benign_arch_warning",
    "hardcoded-cuda-device": "torchsmith.rules.not_environment.hardcoded_cuda_device",
    "mig-single-instance-limit": "torchsmith.rules.datacentre.mig_single_instance_limit",
    "no-fault": "torchsmith.rules.not_environment.no_fault",
    "out-of-memory": "torchsmith.rules.not_environment.out_of_memory",
    "poetry-metadata-first-wheel": "torchsmith.rules.resolving.poetry_metadata_first_wheel",
    "poetry-multi-torch": "torchsmith.rules.resolving.poetry_multi_torch",
    "poetry-pep621-source-ignored": "torchsmith.rules.resolving.poetry_pep621_source_ignored",
    "poetry-source-undefined": "torchsmith.rules.resolving.poetry_source_undefined",
    "user-code-bug": "torchsmith.rules.not_environment.user_code_bug",
    "uv-conflicting-extras": "torchsmith.rules.resolving.uv_conflicting_extras",
    "uv-fell-back-to-pypi": "torchsmith.rules.resolving.uv_fell_back_to_pypi",
    "uv-index-not-explicit": "torchsmith.rules.resolving.uv_index_not_explicit",
    "uv-local-version-fork": "torchsmith.rules.resolving.uv_local_version_fork",
    "uv-sources-incomplete": "torchsmith.rules.resolving.uv_sources_incomplete",
    "uv-sources-transitive": "torchsmith.rules.resolving.uv_sources_transitive",
}

# signature -> module and function
READINGS: dict[str, tuple[str, str]] = {
    "checkpoint-wants-cuda": ("torchsmith.rules.readings.program_or_environment", "cuda_by_name"),
    "collect-env-no-driver": ("torchsmith.rules.readings.driver_missing", "uncollected"),
    "cuda-drivers-not-found": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "cuda-init-number": ("torchsmith.rules.readings.cuda_status", "causes"),
    "cuda-init-status": ("torchsmith.rules.readings.cuda_status", "causes"),
    "cuda-init-warning": ("torchsmith.rules.readings.cuda_status", "causes"),
    "cuda-shared-object-failed": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "cuinit-call-failed": ("torchsmith.rules.readings.cuda_status", "causes"),
    "driver-release-refuses-gpu": ("torchsmith.rules.readings.driver_words", "refused"),
    "gpu-not-compatible": ("torchsmith.rules.readings.no_kernel_image", "warned"),
    "gpu-outside-range": ("torchsmith.rules.readings.no_kernel_image", "warned"),
    "gpu-start-failed": ("torchsmith.rules.readings.driver_words", "start_failed"),
    "half-precision-on-cpu": ("torchsmith.rules.readings.program_or_environment", "cuda_by_name"),
    "illegal-memory-access": ("torchsmith.rules.readings.program_or_environment", "faults_of_kernels"),
    "launch-failure": ("torchsmith.rules.readings.program_or_environment", "faults_of_kernels"),
    "libcuda-missing": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "module-not-inserted": ("torchsmith.rules.readings.driver_words", "not_inserted"),
    "no-devices-found": ("torchsmith.rules.readings.driver_words", "no_devices"),
    "no-driver-found": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "no-kernel-image": ("torchsmith.rules.readings.no_kernel_image", "failed"),
    "nvidia-smi-cannot-talk": ("torchsmith.rules.readings.driver_words", "cannot_talk"),
    "nvidia-smi-does-not-work": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "nvidia-smi-missing": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "nvml-library-missing": ("torchsmith.rules.readings.driver_missing", "no_driver"),
    "nvml-mismatch": ("torchsmith.rules.readings.driver_words", "mismatch"),
    "nvml-unknown-error": ("torchsmith.rules.readings.driver_words", "nvml_unknown"),
    "ptxas-value-not-defined": ("torchsmith.rules.readings.gpu_architecture_of_build", "ptxas"),
    "torch-names-other-build": ("torchsmith.rules.readings.no_kernel_image", "warned"),
    "unknown-cuda-arch": ("torchsmith.rules.readings.gpu_architecture_of_build", "torch_refuses"),
    "unsupported-gpu-architecture": ("torchsmith.rules.readings.gpu_architecture_of_build", "nvcc"),
    "xid": ("torchsmith.rules.readings.driver_words", "xid"),
}
