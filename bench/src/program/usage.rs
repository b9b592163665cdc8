//! What a process uses, as the system tells.

use std::{fs, time::Duration};

use super::Result;

/// The unit of processor times in `/proc`.
const TICKS_PER_SECOND: u64 = 100;

/// Resident memory of a process, in bytes.
pub fn memory(process: u32) -> Result<f64> {
    let status = told(process, "status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"))
        .ok_or("the system tells no VmRSS of the process")?;
    Ok(kibibytes.trim().parse::<f64>()? * 1024.0)
}

/// Processor time that a process has used so far.
pub fn processor_time(process: u32) -> Result<Duration> {
    let ticks = ticks(&told(process, "stat")?)?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Reads a file of `/proc` about a process.
fn told(process: u32, what: &str) -> Result<String> {
    let file = format!("/proc/{process}/{what}");
    Ok(fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?)
}

/// User and system time of a process, in ticks.
fn ticks(stat: &str) -> Result<u64> {
    // The program's name is in brackets, and may contain anything.
    let (_, fields) = stat.rsplit_once(')').ok_or("the system names no program")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    match (times.next(), times.next()) {
        (Some(own), Some(system)) => Ok(own? + system?),
        _ => Err("the system tells no times of the process".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_count() -> Result<()> {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 90 0 3 0 250 50 9 9 20 0 4 0 100 1000 200";
        assert_eq!(ticks(stat)?, 300);
        assert!(ticks("7 (settee-server) S 1").is_err());
        Ok(())
    }
}
