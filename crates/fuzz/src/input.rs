//! Choices made of bytes.

/// Bytes that choices are taken from, one a byte, so that a changed byte is a changed choice.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; zero when there is none any more.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// The next bytes, at most so many.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of the things that there are; `None` when there are none.
    pub fn pick<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        let at = usize::from(self.byte());
        (!things.is_empty()).then(|| things[at % things.len()])
    }
}
