//! The file that keeps a key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{Key, KeyError, encode};

/// Bytes of a file that are read: a key has 43, and ends with a line break.
const LIMIT: u8 = 128;

/// `None` if there is no file.
pub(super) fn load(path: &Path) -> Result<Option<Key>, KeyError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyError::Read(error)),
    };
    let mut text = Vec::new();
    file.take(LIMIT.into()).read_to_end(&mut text).map_err(KeyError::Read)?;
    let is_whole = text.len() < usize::from(LIMIT);
    let text = std::str::from_utf8(&text).ok().filter(|_| is_whole).ok_or(KeyError::Form)?;
    Key::from_text(text.trim_ascii_end()).map(Some).ok_or(KeyError::Form)
}

/// Writes the key, or takes the one that somebody else has written meanwhile.
pub(super) fn create(path: &Path, key: Key) -> Result<Key, KeyError> {
    let draft = draft_path(path);
    // The link appears with all its bytes or not at all, and never replaces another.
    let written = write(&draft, &key).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match written {
        Ok(()) => {
            removed.and_then(|()| sync_folder(path)).map_err(KeyError::Write)?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            load(path)?.ok_or(KeyError::Write(error))
        }
        Err(error) => Err(KeyError::Write(error)),
    }
}

/// A name beside the file that nobody else takes.
fn draft_path(path: &Path) -> PathBuf {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the platform has a source of randomness");
    path.with_added_extension(encode(&random))
}

fn write(path: &Path, key: &Key) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", key.to_text())?;
    file.sync_all()
}

/// Makes a new name survive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("push.key");
        let key = Key::load_or_create(&path).unwrap();
        assert_eq!(Key::load_or_create(&path).unwrap().public(), key.public());
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", key.to_text()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn those_who_start_together_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("push.key");
        let barrier = Barrier::new(8);
        let keys = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        // Each has found no file before.
                        create(&path, Key::random()).unwrap().public()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_with_something_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("push.key");
        let long = format!("{}{}", Key::random().to_text(), " ".repeat(1000) + "x");
        for odd in [&b"half a ke"[..], b"", b"\xff\xff", b"\n", long.as_bytes()] {
            fs::write(&path, odd).unwrap();
            assert!(matches!(Key::load_or_create(&path), Err(KeyError::Form)), "{odd:?}");
            assert_eq!(fs::read(&path).unwrap(), odd);
        }
        assert!(matches!(Key::load_or_create(folder.path()), Err(KeyError::Read(_))));
        let nowhere = folder.path().join("nowhere/push.key");
        assert!(matches!(Key::load_or_create(&nowhere), Err(KeyError::Write(_))));
    }
}
