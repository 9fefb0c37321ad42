"""What the trainings of several networks share: patients, their random deformation, films, evaluation, run keeping."""
