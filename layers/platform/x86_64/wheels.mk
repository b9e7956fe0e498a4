# The wheels that Lambda's Amazon Linux 2023 (glibc 2.34) can run, newest first.
WHEELS := manylinux_2_28_x86_64 manylinux2014_x86_64
UV_PLATFORM := x86_64-manylinux_2_28
