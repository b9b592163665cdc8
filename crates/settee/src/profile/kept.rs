//! What a device keeps of a database: what opens it, and what the app wants to know of it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
#[cfg(doc)]
use settee_keys::DatabaseId;
use settee_keys::{Keyring, Role, Token, base::BASE64URL, home::HOME_PREFIX};

/// A database that this device keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name, on the server as on this device.
    pub name: String,
    /// What opens it. The first is shown to the server, and the next if that is denied.
    pub credentials: Vec<Credentials>,
    /// The name of the role that the server granted last.
    #[serde(default)]
    pub role: Option<String>,
    /// The credentials that it was granted for. The first, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_to: Option<Credentials>,
    /// Whether the server gave access and gives none any more, as far as is known. Nothing is received
    /// then, and nothing sent, until other credentials are good.
    #[serde(default)]
    pub is_revoked: bool,
    /// Whether it began on this device. The server hears of such a one with its first document.
    #[serde(default)]
    pub is_own: bool,
    /// What the app keeps beside it: any fields. Beside a home: which of its documents this device knows.
    #[serde(default)]
    pub app: Map<String, Value>,
}

/// What a server is shown: any bytes. In JSON they are base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(pub Vec<u8>);

impl Kept {
    /// A database that these credentials open.
    pub fn new(name: impl Into<String>, credentials: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            credentials: vec![Credentials(credentials.into())],
            role: None,
            granted_to: None,
            is_revoked: false,
            is_own: false,
            app: Map::new(),
        }
    }

    /// A database that begins on this device, with this owner's token. Its name is the token's id.
    pub fn of_owner(owner: &Token) -> Self {
        let mut kept = Self::new(owner.database_id(), *owner.as_bytes());
        kept.is_own = true;
        kept
    }

    /// The home of this token: see [`settee_keys::home`].
    pub fn of_home(token: &Token) -> Self {
        Self::new(token.home_name(), *token.as_bytes())
    }

    /// The home's token, if this is one.
    pub fn home_token(&self) -> Option<Token> {
        let token = Token::from_bytes(&self.credentials.first()?.0).ok()?;
        (self.name.starts_with(HOME_PREFIX) && token.home_name() == self.name).then_some(token)
    }

    /// Its credentials as tokens; `None` if its name is no [`DatabaseId`], so that they are
    /// something else.
    pub fn keys(&self) -> Option<Keyring> {
        let token = |one: &Credentials| Token::from_bytes(&one.0).ok();
        let tokens = self.credentials.iter().filter_map(token);
        let keys = Keyring::new(self.name.parse().ok()?, tokens.collect(), self.granted());
        Some(match self.granted_to.as_ref().and_then(token) {
            Some(proven) => keys.proven(proven),
            None => keys,
        })
    }

    /// Takes in another token: see [`Keyring::offer`]. Tells whether anything has changed.
    pub fn offer(&mut self, token: Token) -> bool {
        let Some(mut keys) = self.keys() else { return false };
        let is_changed = keys.offer(token);
        if is_changed {
            if self.granted_to.is_none() && self.role.is_some() {
                self.granted_to = self.credentials.first().cloned();
            }
            let tokens = keys.tokens().iter().map(|token| Credentials(token.as_bytes().to_vec()));
            self.credentials = tokens.collect();
        }
        is_changed
    }

    /// Takes in other credentials. Tells whether anything has changed.
    pub(crate) fn add(&mut self, credentials: &Credentials) -> bool {
        if self.credentials.contains(credentials) {
            return false;
        }
        match Token::from_bytes(&credentials.0) {
            Ok(token) if self.keys().is_some() => self.offer(token),
            _ => {
                self.credentials.push(credentials.clone());
                true
            }
        }
    }

    /// The role that the server granted last.
    pub fn granted(&self) -> Option<Role> {
        self.role.as_deref()?.parse().ok()
    }

    /// The server has granted a role to these credentials: from now on they are shown first. Tells
    /// whether anything has changed.
    pub(crate) fn grant(&mut self, credentials: &Credentials, role: Role) -> bool {
        let at = self.credentials.iter().position(|known| known == credentials).unwrap_or_default();
        let is_known = self.granted_to.as_ref().is_none_or(|known| known == credentials);
        if at == 0 && is_known && self.granted() == Some(role) && !self.is_revoked {
            return false;
        }
        self.is_revoked = false;
        self.granted_to = Some(credentials.clone());
        self.credentials[..=at].rotate_right(1);
        self.role = Some(role.name().to_owned());
        true
    }

    /// Whether access can be taken back that was given, and isn't already.
    pub(crate) fn may_be_revoked(&self) -> bool {
        self.role.is_some() && !self.is_revoked
    }

    /// The server gives no access any more. Tells whether anything has changed.
    pub(crate) fn revoke(&mut self) -> bool {
        !std::mem::replace(&mut self.is_revoked, true)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Serialize for Credentials {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64URL.decode(&text);
        bytes.map(Self).ok_or_else(|| D::Error::custom("credentials are base64url"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_links_push_out_no_good_token() {
        let owner = Token::generate();
        let mut kept = Kept::new(owner.database_id(), *owner.editor(0).as_bytes());
        let good = kept.credentials[0].clone();
        // As an earlier version has written it.
        kept.role = Some(Role::Editor.name().to_owned());
        for _ in 0..8 {
            assert!(kept.offer(Token::generate()));
            assert!(kept.credentials.contains(&good));
        }
        assert!(kept.grant(&good, Role::Editor));
        assert_eq!(kept.credentials[0], good);
    }

    #[test]
    fn what_is_granted_comes_first() {
        let mut kept = Kept::new("a", *b"one");
        kept.credentials.push(Credentials(b"two".to_vec()));
        let two = kept.credentials[1].clone();
        assert!(kept.grant(&two, Role::Viewer) && !kept.grant(&two, Role::Viewer));
        assert_eq!((&kept.credentials[0], &kept.granted_to), (&two, &Some(two.clone())));
        assert_eq!(kept.granted(), Some(Role::Viewer));
        assert!(kept.may_be_revoked() && kept.revoke() && !kept.revoke());
        assert!(kept.grant(&two, Role::Viewer) && !kept.is_revoked);
        let json = serde_json::to_string(&kept).unwrap();
        assert!(json.contains(r#""credentials":["dHdv","b25l"]"#), "{json}");
        assert_eq!(serde_json::from_str::<Kept>(&json).unwrap(), kept);
    }
}
