// Makes the compiled-in icons and colour maps of this static library visible to Qt.
#pragma once

namespace blockcert::widgets {

// Cheap and repeatable; called by whoever reads a ":/blockcert/…" path.
void initialiseResources();

}
