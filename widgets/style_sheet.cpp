#include "widgets/style_sheet.h"

#include <QStringView>

#include <utility>

namespace blockcert::widgets {

namespace {

// "@name" stands for a token; longer names come first in the list of replacements.
constexpr char16_t sheet[] = uR"(
QWidget { selection-background-color: @accent; selection-color: @onAccent; }
QMainWindow, QDialog { background: @window; }
QMainWindow::separator { background: @line; width: 1px; height: 1px; }
QSplitter::handle { background: @line; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QToolTip { background: @panel; color: @text; border: 1px solid @line; padding: 4px 6px; }

QFrame[panel="plain"] { background: @panel; border: 1px solid @line; border-radius: 8px; }
QFrame[panel="selected"] { background: @panel; border: 1px solid @accent; border-radius: 8px; }
QScrollArea, QScrollArea > QWidget > QWidget[surface="panel"] { background: @panel; border: none; }
QWidget[surface="panel"] { background: @panel; }
QWidget[surface="window"] { background: @window; }

QLabel { background: transparent; }
QLabel[tone="secondary"] { color: @secondary; }
QLabel[tone="accent"] { color: @accent; }

QPushButton, QToolButton {
    background: @panel; color: @text; border: 1px solid @line; border-radius: 6px;
    padding: 0px 12px; min-height: 26px; outline: none;
}
QPushButton:hover, QToolButton:hover { background: @hover; }
QPushButton:pressed, QToolButton:pressed { background: @accentFill; }
QPushButton:focus, QToolButton:focus { border-color: @accent; }
QPushButton:disabled, QToolButton:disabled { color: @faint; }
QPushButton[role="primary"] { background: @accent; color: @onAccent; border-color: @accent; }
QPushButton[role="primary"]:hover { background: @accentHover; border-color: @accentHover; }
QPushButton[role="primary"]:focus { border: 2px solid @text; padding: 0px 11px; min-height: 24px; }
QPushButton[role="primary"]:disabled { background: @line; color: @secondary; border-color: @line; }
QPushButton[role="danger"] { color: @failedInk; }
QPushButton[role="link"], QToolButton[role="link"] {
    background: transparent; color: @accent; border: 1px solid transparent; padding: 0px 6px;
}
QPushButton[role="link"]:hover, QToolButton[role="link"]:hover { background: @accentFill; }
QPushButton[role="link"]:focus, QToolButton[role="link"]:focus { border-color: @accent; }
QPushButton[role="link"]:disabled, QToolButton[role="link"]:disabled { color: @faint; }
QPushButton[role="flush"] { background: transparent; color: @accent; border: none; padding: 0px; text-align: left;
    min-height: 22px; }
QPushButton[role="flush"]:hover { text-decoration: underline; }
QPushButton[role="flush"]:focus { text-decoration: underline; }
QPushButton[role="icon"] { background: transparent; border: 1px solid transparent; padding: 0px; min-height: 18px;
    max-height: 18px; min-width: 18px; max-width: 18px; border-radius: 4px; }
QPushButton[role="icon"]:hover { background: @hover; }
QPushButton[role="icon"]:focus { border-color: @accent; }
QToolButton[role="quiet"] {
    background: transparent; color: @secondary; border: 1px solid transparent; padding: 0px 6px; min-height: 22px;
}
QToolButton[role="quiet"]:hover { background: @hover; color: @text; }
QToolButton[role="quiet"]:focus { border-color: @accent; }
QToolButton[role="crumb"] {
    background: transparent; color: @secondary; border: 1px solid transparent; padding: 0px 4px; min-height: 24px;
}
QToolButton[role="crumb"]:hover { background: @hover; color: @text; }
QToolButton[role="crumb"]:focus { border-color: @accent; }
QToolButton[role="crumb"][last="true"] { color: @text; }
QToolButton::menu-indicator { image: none; }
QFileDialog QToolButton { padding: 0px 5px; min-height: 22px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton[role="segment"] { padding: 0px 12px; min-height: 24px; }
QPushButton[role="segment"]:checked { background: @accentFill; color: @accent; border-color: @accent; }
QPushButton[role="segment"]:disabled { color: @faint; }
QPushButton[role="segment"]:focus { border: 2px solid @accent; padding: 0px 11px; min-height: 22px; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: @panel; color: @text; border: 1px solid @line; border-radius: 6px; padding: 0px 8px;
}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { min-height: 26px; }
QPlainTextEdit, QTextEdit { padding: 6px 8px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
QComboBox:on { border-color: @accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: @faint; }
QLineEdit[invalid="true"] { border-color: @failedInk; }
QComboBox { padding-right: 24px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url(:/blockcert/icons/chevron_down_@mode.svg); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @panel; color: @text; border: 1px solid @line; padding: 4px; outline: none;
    selection-background-color: @accentFill; selection-color: @text; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0px; border: none; }

QCheckBox, QRadioButton { spacing: 8px; background: transparent; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @faint; border-radius: 4px; background: @panel; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent;
    image: url(:/blockcert/icons/check_@mode.svg); }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid @faint; border-radius: 8px; background: @panel; }
QRadioButton::indicator:checked { background: @onAccent; border: 4px solid @accent; width: 8px; height: 8px; }
QCheckBox::indicator:focus, QRadioButton::indicator:unchecked:focus { border: 2px solid @accent; width: 12px; height: 12px; }
QRadioButton:focus { color: @accent; }
QCheckBox:disabled, QRadioButton:disabled { color: @faint; }

QSlider::groove:horizontal { height: 4px; background: @line; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0px; border-radius: 8px;
    background: @panel; border: 2px solid @accent; }
QSlider::handle:horizontal:focus { background: @accentFill; }

QAbstractItemView { background: @panel; color: @text; border: none; outline: none; }
QTableView, QTreeView, QListView { background: transparent; border: 1px solid transparent; border-radius: 4px; selection-background-color: @accentFill;
    selection-color: @text; gridline-color: @line; }
QTableView:focus, QTreeView:focus, QListView:focus { border-color: @accent; }
QTableView::item, QTreeView::item { padding: 0px 8px; border: none; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected {
    background: @accentFill; color: @text; }
QTableView::item:hover, QListView::item:hover { background: @hover; }
QTableView::item:selected:hover, QListView::item:selected:hover { background: @accentFill; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: transparent; color: @secondary; border: none; border-bottom: 1px solid @line;
    padding: 0px 11px; min-height: 26px; }
QTreeView QHeaderView::section { padding: 0px 8px; }
QHeaderView::section:hover { color: @text; }
QHeaderView::down-arrow, QHeaderView::up-arrow { width: 0px; height: 0px; }
QTableCornerButton::section { background: transparent; border: none; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0px; }
QScrollBar::handle { background: @scroll; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QMenu { background: @panel; color: @text; border: 1px solid @line; padding: 4px; }
QMenu::item { padding: 5px 20px 5px 12px; border-radius: 4px; }
QMenu::item:selected { background: @accentFill; color: @text; }
QMenu::item:disabled { color: @faint; }
QMenu::separator { height: 1px; background: @line; margin: 4px 8px; }
QMenuBar { background: @panel; color: @text; border-bottom: 1px solid @line; }
QMenuBar::item { padding: 4px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: @hover; }

QProgressBar { background: @line; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }
QTabWidget::pane { border: none; border-top: 1px solid @line; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: @secondary; padding: 6px 4px; margin-right: 16px;
    border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QTabBar::tab:hover { color: @text; }
QTabBar::tab:focus { color: @accent; }
QGroupBox { border: none; margin-top: 20px; }
QGroupBox::title { subcontrol-origin: margin; left: 0px; color: @text; }
)";

}

QString styleSheetOf(const Tokens& tokens)
{
    const QColor scroll = tokens.dark ? QColor(0x3A, 0x43, 0x4F) : QColor(0xC6, 0xCD, 0xD6);
    const QColor accentHover = tokens.dark ? tokens.accent.lighter(108) : tokens.accent.darker(110);
    const std::pair<const char16_t*, QString> replacements[] = {
        {u"@accentFill", tokens.accentFill.name()},
        {u"@accentHover", accentHover.name()},
        {u"@accent", tokens.accent.name()},
        {u"@onAccent", tokens.onAccent.name()},
        {u"@window", tokens.window.name()},
        {u"@panel", tokens.panel.name()},
        {u"@line", tokens.line.name()},
        {u"@text", tokens.text.name()},
        {u"@secondary", tokens.secondary.name()},
        {u"@faint", tokens.faint.name()},
        {u"@hover", tokens.hover.name()},
        {u"@failedInk", tokens.failed.ink.name()},
        {u"@scroll", scroll.name()},
        {u"@mode", tokens.dark ? QStringLiteral("dark") : QStringLiteral("light")},
    };
    QString result = QString::fromUtf16(sheet);
    for (const auto& [name, value] : replacements)
        result.replace(QString::fromUtf16(name), value);
    return result;
}

}
