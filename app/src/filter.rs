//! The three filters of a list, with the addresses of `TodoMVC`.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    #[default]
    All,
    Active,
    Completed,
}

impl Filter {
    pub const EACH: [Self; 3] = [Self::All, Self::Active, Self::Completed];

    /// Parses the fragment of an address: `#/active` or `#!/active`. Every other fragment means
    /// all.
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
    fn every_filter_is_parsed_from_its_address() {
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
