// Any table or tree of the window as something to export: what it shows, in its order, and with every digit as CSV.
#pragma once

#include "widgets/view_export.h"

class QAbstractItemModel;

namespace blockcert::widgets {

// A copy, so that it may be written in another thread. The picture has the first rows; the CSV has all of them, numbers
// at full precision where the model answers Qt::UserRole with one. Rows under other rows stand below them.
[[nodiscard]] ViewExport tableExport(const QAbstractItemModel& model, const QString& title);

}
