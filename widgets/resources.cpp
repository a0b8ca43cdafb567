#include "widgets/resources.h"

#include <QtGlobal>

// Q_INIT_RESOURCE declares a function of the global namespace, so it cannot stand inside ours.
static void registerResources()
{
    Q_INIT_RESOURCE(resources);
}

namespace blockcert::widgets {

void initialiseResources()
{
    static const bool once = (registerResources(), true);
    static_cast<void>(once);
}

}
