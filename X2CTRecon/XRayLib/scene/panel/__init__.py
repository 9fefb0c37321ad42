"""Parts of the panels that both modules show: films, models, the running job."""
