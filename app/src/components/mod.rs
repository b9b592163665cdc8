//! The components of the page, one file each.

mod footer;
mod link_notice;
mod lists;
mod new_todo;
mod notice;
mod opening;
mod problems;
mod share;
mod status;
mod theme;
mod todo_item;
mod todo_list;
mod update;

pub use footer::Footer;
pub use link_notice::LinkNotice;
pub use lists::{ListName, Lists, OpenLists};
pub use new_todo::NewTodo;
pub use notice::Notice;
pub use opening::CannotOpen;
pub use problems::Problems;
pub use share::Share;
pub use status::Status;
pub use theme::ThemeChoice;
pub use todo_item::TodoItem;
pub use todo_list::TodoList;
pub use update::Update;
