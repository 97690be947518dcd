"""The sheets that tell the story of a run: Budget, Bridge, Sensitivity, Assumptions."""
