//! Runs all inputs in `corpus/` again.

use std::{fs, path::Path};

#[test]
fn the_corpus_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in settee_fuzz::TARGETS {
        let inputs = fs::read_dir(corpus.join(name)).unwrap();
        let mut files: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
        assert!(!files.is_empty(), "there are no inputs for {name}");
        files.sort();
        for file in files {
            // The output of a failed test shows which input it was.
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}
