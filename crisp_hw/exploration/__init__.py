"""Design spaces: points asked for in batches, judged on one machine or many, kept by content."""

from crisp_hw.exploration.study import Study as Study
