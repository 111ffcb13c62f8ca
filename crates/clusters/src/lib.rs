//! Vectors as embeddings are: in clusters, and of length 1.

use std::f32::consts::TAU;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

const DIMENSIONS: usize = 1536;
const CENTRES: usize = 200;
/// How far a vector lies from its centre, whose length is 1. In so many dimensions all of a
/// cluster are about equally far from each other, which is the hardest for an index.
const SPREAD: f32 = 0.7;

/// The same vectors from the same seed.
#[derive(Debug)]
pub struct Clusters {
    random: StdRng,
    centres: Vec<Vec<f32>>,
}

impl Clusters {
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let centres = (0..CENTRES).map(|_| unit(gaussian(&mut random))).collect();
        Self { random, centres }
    }

    /// The next vector, of any of the clusters.
    pub fn vector(&mut self) -> Vec<f32> {
        let centre = &self.centres[self.random.random_range(0..CENTRES)];
        let noise = unit(gaussian(&mut self.random));
        unit(centre.iter().zip(noise).map(|(at, by)| at + SPREAD * by).collect())
    }
}

/// By Box and Muller.
fn gaussian(random: &mut StdRng) -> Vec<f32> {
    let pair = |_| {
        let (radius, angle) = (1.0 - random.random::<f32>(), TAU * random.random::<f32>());
        let radius = (-2.0 * radius.ln()).sqrt();
        [radius * angle.cos(), radius * angle.sin()]
    };
    (0..DIMENSIONS / 2).flat_map(pair).collect()
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|it| *it /= length);
    vector
}
