//! The components of the page, one file each.

use crate::later::Parts;

mod all_lists;
mod confirmed;
mod credit;
mod devices;
mod edit_field;
mod files;
mod footer;
mod forget_list;
mod forgetting;
mod here;
mod keep_safe;
mod link_notice;
mod list_name;
mod list_row;
mod lists;
mod new_todo;
mod notice;
mod open_link;
mod opening;
mod places;
mod problems;
mod refused;
mod revoked;
mod row_events;
mod share;
mod status;
mod theme;
mod this_device;
mod todo_item;
mod todo_list;
mod transfer;
mod update;

pub use edit_field::EditFields;
pub use footer::Footer;
pub use list_name::{ListName, limit_name};
pub use lists::{Lists, ListsButton};
pub use new_todo::NewTodo;
pub use notice::NoticePlace;
pub use row_events::RowEvents;
pub use share::Share;
pub use status::Status;
pub use this_device::{only_here, restored};
pub use todo_item::TodoItem;
pub use todo_list::TodoList;
pub use transfer::passed_on;
pub use update::Update;

/// What comes [later](crate::later).
pub fn parts() -> Parts {
    Parts {
        cannot_open: opening::contents,
        lists: all_lists::contents,
        share: share::contents,
        link_notice: link_notice::contents,
        problems: problems::contents,
        notice: notice::notice,
    }
}
