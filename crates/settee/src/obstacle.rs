//! Why what a device keeps can't be opened now. Apps make their sentences of this.

use settee_store::BackendError;

/// What is in the way. What is stored is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A newer version of the app has stored it.
    Newer,
    /// Another tab with an older version doesn't let go of it.
    OtherTab,
    /// There is no room left.
    Full,
    /// What is stored is damaged, with the reason.
    Corrupt(String),
    /// The storage doesn't answer.
    Slow,
    /// The app is about to delete it, as its person has asked.
    Forgotten,
    /// Anything else, in the words of the storage.
    Failed(String),
}

impl From<&BackendError> for Obstacle {
    fn from(error: &BackendError) -> Self {
        match error {
            BackendError::Newer => Self::Newer,
            BackendError::Closed => Self::OtherTab,
            BackendError::Full => Self::Full,
            BackendError::Corrupt(reason) => Self::Corrupt(reason.clone()),
            error => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(feature = "client")]
impl From<&crate::Error> for Obstacle {
    fn from(error: &crate::Error) -> Self {
        match error {
            crate::Error::Backend(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}
