/* The shared library is the engine's and the client's archives, whole; CMake
 * wants a source file all the same. */
typedef int cbx_nothing_of_its_own;
