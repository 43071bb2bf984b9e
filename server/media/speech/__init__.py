"""Speech: providers of voices, and what keeps what they have spoken."""
