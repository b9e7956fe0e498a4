# The wheels that Lambda's Amazon Linux 2023 (glibc 2.34) can run, newest first.
WHEELS := manylinux_2_28_aarch64 manylinux2014_aarch64
UV_PLATFORM := aarch64-manylinux_2_28
