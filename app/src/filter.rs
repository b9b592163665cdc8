//! The three views of a list, and the addresses that `TodoMVC` gives them.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    #[default]
    All,
    Active,
    Completed,
}

impl Filter {
    pub const EACH: [Self; 3] = [Self::All, Self::Active, Self::Completed];

    /// Reads an address's fragment, `#/active` or `#!/active`. Whatever else stands there shows all.
    pub fn from_hash(hash: &str) -> Self {
        let path = hash.trim_start_matches('#').trim_start_matches('!');
        match path.trim_matches('/') {
            "active" => Self::Active,
            "completed" => Self::Completed,
            _ => Self::All,
        }
    }

    pub fn hash(self) -> &'static str {
        match self {
            Self::All => "#/",
            Self::Active => "#/active",
            Self::Completed => "#/completed",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Active => "Active",
            Self::Completed => "Completed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_found_at_its_own_address() {
        for filter in Filter::EACH {
            assert_eq!(Filter::from_hash(filter.hash()), filter);
        }
    }

    #[test]
    fn other_spellings_and_foreign_fragments() {
        assert_eq!(Filter::from_hash("#!/completed"), Filter::Completed);
        assert_eq!(Filter::from_hash("#active"), Filter::Active);
        assert_eq!(Filter::from_hash(""), Filter::All);
        assert_eq!(Filter::from_hash("#k=secret"), Filter::All);
    }
}
