"""The laboratory: machines, environments and a Windows for the tests.

Nothing here mocks torchsmith. The laboratory makes what torchsmith looks at: shared libraries that answer like a
driver (`driver`), trees like a machine's /proc and /sys (`machine`), environments of real packages (`environments`),
and a real Windows Python (`wine`). `fixtures` offers them to pytest. What cannot be had here raises `Unavailable`; its
fixture skips the test with that reason.
"""
