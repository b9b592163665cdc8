//! The devices that want to be told of a database, as they are kept beside it.

use minicbor::{Decode, Encode};
use settee_store::{Backend, BackendError, Operation};
use thiserror::Error;

/// Most devices of a database.
const DEVICES: usize = 100;
/// Most devices of one grant: the next one takes the place of the oldest.
const OF_GRANT: usize = 20;
/// Where they are kept.
const KEY: &str = "notices";

/// A device that wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Device {
    /// Where it can be reached: only the courier understands it.
    #[n(0)]
    pub address: String,
    /// The name of the grant under which it may read the database.
    #[n(1)]
    pub grant: String,
    /// What its person is called.
    #[n(2)]
    pub who: Option<String>,
    /// The update sequence up to which it has been told.
    #[n(3)]
    pub told: u64,
}

/// All of them, the oldest first. Whoever changes them holds [`Shared::devices`](crate::shared::Shared::devices).
#[derive(Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Devices {
    #[n(0)]
    pub all: Vec<Device>,
}

/// There are too many devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many devices want to be told of this")]
pub struct TooMany;

impl Devices {
    pub async fn read(database: &dyn Backend) -> Result<Self, BackendError> {
        let Some(bytes) = database.local(KEY.to_owned()).await? else { return Ok(Self::default()) };
        minicbor::decode(&bytes)
            .map_err(|_| BackendError::Failed("what is kept of devices can't be read".to_owned()))
    }

    pub async fn write(&self, database: &dyn Backend) -> Result<(), BackendError> {
        let bytes = minicbor::to_vec(self).expect("writing to memory doesn't fail");
        let value = (!self.all.is_empty()).then_some(bytes);
        database.commit(vec![Operation::Local { key: KEY.to_owned(), value }]).await.map(drop)
    }

    /// Takes a device in, as the latest. One that is known keeps what it has been told. Says whether anything is new.
    pub fn add(&mut self, device: Device) -> Result<bool, TooMany> {
        if let Some(at) = self.all.iter().position(|known| known.address == device.address) {
            let known = self.all.remove(at);
            self.all.push(Device { told: known.told, ..device });
            return Ok(at + 1 < self.all.len() || self.all.last() != Some(&known));
        }
        let is_of_grant = |known: &Device| known.grant == device.grant;
        if self.all.iter().filter(|known| is_of_grant(known)).count() >= OF_GRANT {
            let oldest = self.all.iter().position(is_of_grant).expect("there are several");
            self.all.remove(oldest);
        }
        if self.all.len() >= DEVICES {
            return Err(TooMany);
        }
        self.all.push(device);
        Ok(true)
    }

    /// Forgets the device of an address. Says whether it was there.
    pub fn remove(&mut self, address: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|known| known.address != address);
        self.all.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settee_store::Memory;

    fn device(address: usize, grant: &str) -> Device {
        Device { address: address.to_string(), grant: grant.to_owned(), who: None, told: 7 }
    }

    #[test]
    fn a_grant_takes_only_its_own_part() {
        let mut devices = Devices::default();
        for number in 0..OF_GRANT + 3 {
            assert_eq!(devices.add(device(number, "one")), Ok(true));
        }
        assert_eq!(devices.all.len(), OF_GRANT);
        assert_eq!(devices.all[0].address, "3");
        for number in 100..100 + DEVICES - OF_GRANT {
            assert_eq!(devices.add(device(number, &number.to_string())), Ok(true));
        }
        assert_eq!(devices.add(device(0, "another")), Err(TooMany));
        assert_eq!(devices.add(device(0, "one")), Ok(true));
        assert_eq!(devices.all.len(), DEVICES);
    }

    #[tokio::test]
    async fn a_known_device_keeps_what_it_has_been_told() {
        let database = Memory::new([1; 16]);
        let mut devices = Devices::read(&database).await.unwrap();
        assert_eq!(devices.add(device(1, "one")), Ok(true));
        assert_eq!(devices.add(Device { told: 9, ..device(1, "one") }), Ok(false));
        let named = Device { who: Some("Anna".to_owned()), told: 9, ..device(1, "two") };
        assert_eq!(devices.add(named.clone()), Ok(true));
        devices.write(&database).await.unwrap();
        let mut devices = Devices::read(&database).await.unwrap();
        assert_eq!(devices.all, [Device { told: 7, ..named }]);
        assert!(devices.remove("1") && !devices.remove("1"));
        devices.write(&database).await.unwrap();
        assert_eq!(database.local(KEY.to_owned()).await.unwrap(), None);
    }
}
