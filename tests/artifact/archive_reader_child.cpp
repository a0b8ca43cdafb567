// The archive reader child alone, as `blockcert --archive-reader` runs it.
#include "engine/artifact/tensor_archive.h"

int main()
{
    return blockcert::artifact::runArchiveReaderChild();
}
