//! Tries everything again that the fuzzer has found worth keeping.

use std::{fs, path::Path};

#[test]
fn what_was_kept_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in settee_fuzz::TARGETS {
        let inputs = fs::read_dir(corpus.join(name)).unwrap();
        let mut files: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
        assert!(!files.is_empty(), "nothing is kept of {name}");
        files.sort();
        for file in files {
            // Shown when one fails, for a panic doesn't tell which.
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}
